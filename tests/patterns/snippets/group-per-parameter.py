# slow
# below: step torch/optim/optimizer.py, adam torch/optim/adam.py, _single_tensor_adam torch/optim/adam.py
# known: device=cuda
import torch

def train(model, loader):
    optimizer = torch.optim.Adam([{"params": [p], "lr": 0.1} for p in model.parameters()])
    for batch in loader:
        optimizer.step()  # hot
# exempt: on the CPU that is the ordinary way
# below: step torch/optim/optimizer.py, _single_tensor_adam torch/optim/adam.py
# known: device=cpu
import torch

def train(model, loader):
    optimizer = torch.optim.Adam([{"params": [p], "lr": 0.1} for p in model.parameters()])
    for batch in loader:
        optimizer.step()  # hot
