"""A small training that needs one core all the time. Run by regenerate.py in a control group with a CPU quota."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)
data = TensorDataset(torch.randn(6400, 256), torch.randint(0, 10, (6400,)))
loader = DataLoader(data, batch_size=64, shuffle=True)
layers = [layer for _ in range(4) for layer in (nn.Linear(256, 256), nn.ReLU())]
model = nn.Sequential(*layers, nn.Linear(256, 10))
optimizer = torch.optim.SGD(model.parameters(), 0.01)
for _ in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
