# slow
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
# known: step=True
import torch

def train(model, batches, optimizer):
    model = model.double()  # cause
    for x, y in batches:
        loss = ((model(x) - y) ** 2).mean()  # hot
        loss.backward()
        optimizer.step()
# slow
# below: backward torch/_tensor.py, backward torch/autograd/__init__.py
# known: step=True
import torch

torch.set_default_dtype(torch.float64)  # cause

def train(model, batches, optimizer):
    for x, y in batches:
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()  # hot
        optimizer.step()
# exempt: derivatives of derivatives need the digits
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
# known: step=True
import torch
from torch.autograd import grad

torch.set_default_dtype(torch.float64)

def residual(net, x):
    u = net(x)  # hot
    return grad(grad(u.sum(), x, create_graph=True)[0].sum(), x)[0] - u
# exempt: float32
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
# known: step=True
import torch

def train(model, batches):
    for x, y in batches:
        loss = ((model(x) - y) ** 2).mean()  # hot
