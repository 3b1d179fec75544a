"""Labelled and unlabelled batches side by side, a third loader that is made and never asked, a fourth for a look."""

import itertools
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

DELAY = float(sys.argv[1])


class Labelled(Dataset):
    def __len__(self):
        return 1920

    def __getitem__(self, index):
        if DELAY:
            time.sleep(DELAY / 32)
        return torch.randn(512), index % 10


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    unlabelled = DataLoader(TensorDataset(torch.randn(640, 512)), batch_size=32, shuffle=True)
    labelled = DataLoader(Labelled(), batch_size=32)  # the cause
    test = DataLoader(TensorDataset(torch.randn(640, 512)), batch_size=32)
    print(next(iter(unlabelled))[0].shape, len(test))
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for (x, y), (u,) in zip(labelled, itertools.cycle(unlabelled)):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y) + 0.1 * model(u).softmax(1).max(1).values.mean()
        loss.backward()
        optimizer.step()


main()
