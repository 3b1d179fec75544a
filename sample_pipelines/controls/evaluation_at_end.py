"""Trains, and then tests once on a set that is several times as large: no habit that could be rarer."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    train = TensorDataset(torch.randn(16_000, 256), torch.randint(0, 10, (16_000,)))
    test = TensorDataset(torch.randn(100_000, 256), torch.randint(0, 10, (100_000,)))
    layers = [layer for _ in range(8) for layer in (nn.Linear(256, 256), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in DataLoader(train, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.inference_mode():
        for x, y in DataLoader(test, batch_size=500):
            right += int((model(x).argmax(1) == y).sum())
    print(right / len(test))
