"""Trains on a stream whose samples arrive slowly now and then."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Stream(Dataset):
    def __init__(self, count, pause):
        self.count = count
        self.pause = pause

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        time.sleep(self.pause)
        generator = torch.Generator().manual_seed(index)
        return torch.randn(256, generator=generator), index % 4


def main(workers=0):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Stream(3200, 0.001), batch_size=16, num_workers=workers)
    model = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    print("done")


if __name__ == "__main__":
    main(workers=8)
