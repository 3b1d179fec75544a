"""A compiled model: the first calls trace it."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

DELAY = float(sys.argv[1])


class Noise(Dataset):
    def __len__(self):
        return 1920

    def __getitem__(self, index):
        if DELAY:
            time.sleep(DELAY / 32)
        return torch.randn(512), index % 10


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Noise(), batch_size=32)  # the cause
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    model = torch.compile(model, backend="eager")
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


main()
