# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
# known: event_loop=True handler=True
async def classify(item):
    scores = model(item.rows)  # hot
    return {"label": int(scores.argmax())}
# slow
# below: predict sklearn/ensemble/_forest.py
# known: event_loop=True handler=True
async def classify(item):
    return model.predict(item.rows)  # hot
# exempt: in a thread
# below: _wrapped_call_impl torch/nn/modules/module.py
# known: handler=True
@torch.no_grad()
def classify(item):
    return model(item.rows)  # hot
# exempt: takes no time
# below: _wrapped_call_impl torch/nn/modules/module.py
# known: event_loop=True handler=True seconds_each=0.001
@torch.no_grad()
async def classify(item):
    return model(item.rows)  # hot
