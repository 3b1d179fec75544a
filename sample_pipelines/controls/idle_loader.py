"""Two loaders: one feeds the training; the other has slow items and workers of its own, and gives one batch."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Scans(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, index):
        time.sleep(0.05)
        return torch.randn(256)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(TensorDataset(torch.randn(25_600, 256), torch.randint(0, 10, (25_600,))), batch_size=32)
    scans = iter(DataLoader(Scans(), batch_size=4, num_workers=1))
    sample = next(scans)
    layers = [layer for _ in range(8) for layer in (nn.Linear(256, 256), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        print(model(sample).argmax(1).tolist())
