"""One thread for layers that are too small to be split over two: nothing to fix."""

import torch
from torch import nn

if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data, labels = torch.randn(32, 64), torch.randint(0, 10, (32,))
    layers = [layer for _ in range(12) for layer in (nn.Linear(64, 64), nn.LayerNorm(64), nn.GELU())]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(800):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(data), labels).backward()
        optimizer.step()
    print("done")
