# slow
# below: _call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
# known: device=cpu dtype=float16
def predict(model, x):
    return model(x)  # hot
# exempt: float32
# below: _call_impl torch/nn/modules/module.py, forward torch/nn/modules/linear.py
# known: device=cpu dtype=float32
def predict(model, x):
    return model(x)  # hot
