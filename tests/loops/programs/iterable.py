"""An IterableDataset: a stream of samples that the DataLoader makes batches of."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

DELAY = float(sys.argv[1])


class Stream(IterableDataset):
    def __iter__(self):
        for number in range(960):
            if DELAY:
                time.sleep(DELAY / 32)
            yield torch.randn(512), number % 10


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Stream(), batch_size=32)  # the cause
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()


main()
