"""LBFGS: each optimizer step evaluates the model several times, in a closure."""

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
    model = nn.Sequential(nn.Linear(512, 128), nn.Tanh(), nn.Linear(128, 10))
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    for x, y in loader:

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)


main()
