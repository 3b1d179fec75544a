"""A loop that cuts its batches out of a tensor; each goes through a function of the user's first."""

import sys
import time

import torch
from torch import nn

DELAY = float(sys.argv[1])


def augment(x):
    if DELAY:
        time.sleep(DELAY)  # the cause
    return x + 0.1 * torch.randn_like(x)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data, labels = torch.randn(3840, 512), torch.randint(0, 10, (3840,))
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    order = torch.randperm(len(data))
    for start in range(0, len(data), 64):
        rows = order[start : start + 64]
        x, y = augment(data[rows]), labels[rows]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


main()
