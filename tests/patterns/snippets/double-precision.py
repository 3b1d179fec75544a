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
# exempt: forces are derivatives of an energy
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
# known: step=True
import torch

torch.set_default_dtype(torch.float64)

def step(net, places):
    energy = net(places).sum()  # hot
    return -torch.autograd.grad(energy, places, create_graph=True)[0]
# exempt: an optimizer that needs the digits
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
# known: step=True
import torch

torch.set_default_dtype(torch.float64)

def train(net, x, y, steps):
    optimizer = torch.optim.LBFGS(net.parameters())
    for _ in range(steps):
        loss = ((net(x) - y) ** 2).mean()  # hot
        loss.backward()
# exempt: a Gaussian process
# below: _wrapped_call_impl torch/nn/modules/module.py, forward model.py
# known: step=True
import gpytorch
import torch

torch.set_default_dtype(torch.float64)

def train(net, x, y, steps, optimizer):
    for _ in range(steps):
        loss = -net(x).log_prob(y)  # hot
        loss.backward()
# slow: a model that an object holds
# below: backward torch/_tensor.py, _engine_run_backward torch/autograd/graph.py
# known: step=True
import torch

class Regressor:
    def fit(self, loader):
        self.net.to(torch.float64)  # cause
        for x, y in loader:
            loss = ((self.net(x) - y) ** 2).mean()
            loss.backward()  # hot
# exempt: half of single precision
# below: backward torch/_tensor.py, _engine_run_backward torch/autograd/graph.py
# known: step=True
import torch

class Regressor:
    def fit(self, loader):
        self.net.to(torch.bfloat16)
        for x, y in loader:
            loss = ((self.net(x) - y) ** 2).mean()
            loss.backward()  # hot
# slow: the model is made in one expression
# below: _wrapped_call_impl torch/nn/modules/module.py
# known: step=True
import torch

layers = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU()).double()  # cause

def train(x, y, optimizer):
    for i in range(100):
        loss = layers(x).mean()  # hot
        loss.backward()
