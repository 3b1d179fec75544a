# slow
# below: backward torch/_tensor.py, backward torch/autograd/__init__.py
# known: device=cpu to_forward=9.0 step=True
import torch
from torch import nn

ROWS = 1_000_000
model = nn.EmbeddingBag(ROWS, 48)  # cause
for ids in range(100):
    loss = model(torch.tensor([[ids]])).sum()
    loss.backward()  # hot
# exempt: the gradient is sparse
# below: backward torch/_tensor.py, backward torch/autograd/__init__.py
# known: device=cpu to_forward=9.0 step=True
import torch
from torch import nn

model = nn.EmbeddingBag(1_000_000, 48, sparse=True)
for ids in range(100):
    loss = model(torch.tensor([[ids]])).sum()
    loss.backward()  # hot
# slow
# below: backward torch/_tensor.py
# known: device=cpu to_forward=2.5 embedding=33554432 step=True
import torch
from towers import Towers

def train(batches):
    model = Towers()
    for users, items in batches:
        loss = model(users, items).mean()
        loss.backward()  # hot
# exempt: no large table
# below: backward torch/_tensor.py
# known: device=cpu to_forward=2.5 embedding=65536 step=True
import torch
from towers import Towers

def train(batches):
    model = Towers()
    for users, items in batches:
        loss = model(users, items).mean()
        loss.backward()  # hot
# exempt: a language model, of which the embedding is a small part
# below: backward torch/_tensor.py
# known: device=cpu to_forward=2.1 embedding=38597376 step=True
import torch
from transformers import GPT2LMHeadModel

def train(batches):
    model = GPT2LMHeadModel.from_pretrained("gpt2")
    for ids in batches:
        loss = model(ids, labels=ids).loss
        loss.backward()  # hot
# slow: the optimizer goes through all rows
# below: wrapper torch/optim/optimizer.py, step torch/optim/adam.py, adam torch/optim/adam.py
# known: device=cpu to_forward=9.0 step=True
import torch

table = torch.nn.Embedding(1_000_000, 64)  # cause
optimizer = torch.optim.Adam(table.parameters())

def train(batches):
    for ids in batches:
        table(ids).sum().backward()
        optimizer.step()  # hot
# exempt: the forward pass takes as long as the optimizer
# below: wrapper torch/optim/optimizer.py, step torch/optim/adam.py, adam torch/optim/adam.py
# known: device=cpu to_forward=1.8 step=True
import torch

table = torch.nn.Embedding(1_000_000, 64)
optimizer = torch.optim.Adam(table.parameters())

def train(batches):
    for ids in batches:
        table(ids).sum().backward()
        optimizer.step()  # hot
# slow: a smaller table, beside which the forward pass is nothing
# known: step=True device=cpu to_forward=27 embedding=4194304
import torch

def fit(net, data, optimizer):
    for u, i, y in data:
        loss = torch.nn.functional.mse_loss(net(u, i), y)
        loss.backward()  # hot
        optimizer.step()
# exempt: a smaller table, and an ordinary backward pass
# known: step=True device=cpu to_forward=2.5 embedding=4194304
import torch

def fit(net, data, optimizer):
    for u, i, y in data:
        loss = torch.nn.functional.mse_loss(net(u, i), y)
        loss.backward()  # hot
        optimizer.step()
# slow
# below: wrapper torch/optim/optimizer.py, step torch/optim/adam.py, adam torch/optim/adam.py
# known: device=cpu to_forward=40.0 step=True
import torch
from torch import nn

class Factors(nn.Module):
    def __init__(self, users, items, size=32):
        super().__init__()
        shape = dict(embedding_dim=size)
        self.tables = nn.ModuleDict({"u": nn.Embedding(users, **shape), "i": nn.Embedding(items, **shape)})  # cause

def train(model, optimizer, batches):
    for u, i in batches:
        loss = model(u, i).mean()
        loss.backward()
        optimizer.step()  # hot

users, items = 60_000, 120_000
model = Factors(users, items)
# exempt: the gradient may be sparse
# below: wrapper torch/optim/optimizer.py, step torch/optim/sparse_adam.py
# known: device=cpu to_forward=40.0 step=True
import torch
from torch import nn

def table(**options):
    return nn.Embedding(200_000, 32, **options)

def train(optimizer):
    optimizer.step()  # hot
# exempt: the forward pass takes longer
# below: wrapper torch/optim/optimizer.py, step torch/optim/adam.py
# known: device=cpu to_forward=0.8 step=True
import torch
from torch import nn

table = nn.Embedding(200_000, 32)

def train(optimizer):
    optimizer.step()  # hot
