# slow
# below: step torch/amp/grad_scaler.py
# known: device=cuda dtype=bfloat16
def update(scaler, optimizer):
    scaler.step(optimizer)  # hot
# exempt: float16 needs it
# below: step torch/amp/grad_scaler.py
# known: device=cuda dtype=float16
def update(scaler, optimizer):
    scaler.step(optimizer)  # hot
