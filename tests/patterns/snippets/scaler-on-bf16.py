# slow
# below: step torch/amp/grad_scaler.py, _maybe_opt_step torch/amp/grad_scaler.py, <genexpr> torch/amp/grad_scaler.py
import torch

scaler = torch.amp.GradScaler("cuda")  # cause

def update(model, x, optimizer):
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = model(x).mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)  # hot
# exempt: float16 needs it
# below: step torch/amp/grad_scaler.py, _maybe_opt_step torch/amp/grad_scaler.py
import torch

scaler = torch.amp.GradScaler("cuda")

def update(model, x, optimizer):
    with torch.autocast("cuda", dtype=torch.float16):
        loss = model(x).mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)  # hot
# exempt: the time is the optimizer's
# below: step torch/amp/grad_scaler.py, wrapper torch/optim/optimizer.py, adam torch/optim/adam.py
import torch

scaler = torch.amp.GradScaler("cuda")

def update(model, x, optimizer):
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = model(x).mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)  # hot
# exempt: switched off
# below: step torch/amp/grad_scaler.py
import torch

DTYPE = torch.bfloat16
scaler = torch.amp.GradScaler("cuda", enabled=DTYPE == torch.float16)

def update(model, x, optimizer):
    with torch.autocast("cuda", dtype=DTYPE):
        loss = model(x).mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)  # hot
