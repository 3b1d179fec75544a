# slow
# below: step torch/optim/optimizer.py, adam torch/optim/adam.py
# known: used=0.001
import torch

table = torch.nn.Embedding(1_000_000, 64)

def train(optimizer):
    optimizer.step()  # hot
# exempt: most rows are used
# below: step torch/optim/optimizer.py, adam torch/optim/adam.py
# known: used=0.4
import torch

table = torch.nn.Embedding(1_000_000, 64)

def train(optimizer):
    optimizer.step()  # hot
