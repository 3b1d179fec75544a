"""Trains on records of a feature service, which worker processes fetch ahead of the loop."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class FeatureService:
    """Answers each request for one record after a millisecond, as a service in the same building does."""

    def fetch(self, number):
        time.sleep(0.001)
        return torch.randn(256, generator=torch.Generator().manual_seed(number))


class Batches(Dataset):
    def __init__(self, service, count, size=16):
        self.service, self.count, self.size = service, count, size

    def __len__(self):
        return self.count // self.size

    def __getitem__(self, index):
        numbers = range(index * self.size, (index + 1) * self.size)
        records = [self.service.fetch(number) for number in numbers]
        return torch.stack(records), torch.tensor([number % 4 for number in numbers])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(256, 1600), nn.ReLU(), nn.Linear(1600, 1600), nn.ReLU(), nn.Linear(1600, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for x, y in DataLoader(Batches(FeatureService(), 4800), batch_size=None, num_workers=4):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    print("done")


if __name__ == "__main__":
    main()
