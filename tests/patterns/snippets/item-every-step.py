# slow
# known: device=cuda step=True
import torch

def train(model, loader, optimizer):
    for x, y in loader:
        loss = model(x, y)
        loss.backward()
        value = loss.item()  # hot
# exempt: every hundred steps
# known: device=cuda step=True
import torch

def train(model, loader):
    for step, (x, y) in enumerate(loader):
        loss = model(x, y)
        if step % 100 == 0:
            value = loss.item()  # hot
# exempt: on the CPU
# known: device=cpu step=True
import torch

def train(model, loader):
    for x, y in loader:
        value = model(x, y).item()  # hot
