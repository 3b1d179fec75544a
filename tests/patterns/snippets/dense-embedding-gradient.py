# slow
# below: backward torch/_tensor.py, backward torch/autograd/__init__.py
# known: device=cpu to_forward=9.0 step=True
import torch
from torch import nn

ROWS = 1_000_000
model = nn.EmbeddingBag(ROWS, 48)
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
