"""Trains on records of a feature service, which a generator fetches when the loop asks for the next batch."""

import time

import torch
from torch import nn


class FeatureService:
    """Answers each request for one record after a millisecond, as a service in the same building does."""

    def fetch(self, number):
        time.sleep(0.001)  # planted
        return torch.randn(256, generator=torch.Generator().manual_seed(number))


def batches(service, count, size=16):
    for first in range(0, count, size):
        numbers = range(first, first + size)
        records = [service.fetch(number) for number in numbers]
        yield torch.stack(records), torch.tensor([number % 4 for number in numbers])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(256, 1600), nn.ReLU(), nn.Linear(1600, 1600), nn.ReLU(), nn.Linear(1600, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for x, y in batches(FeatureService(), 4800):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    print("done")


if __name__ == "__main__":
    main()
