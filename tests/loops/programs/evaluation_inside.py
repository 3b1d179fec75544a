"""A look at the validation set every 20 steps, in the middle of the epoch."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

DELAY = float(sys.argv[1])


class Noise(Dataset):
    def __len__(self):
        return 1920

    def __getitem__(self, index):
        if DELAY:
            time.sleep(DELAY / 32)
        return torch.randn(512), index % 10


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        right = sum(int((model(x).argmax(1) == y).sum()) for x, y in loader)
    model.train()
    return right / len(loader.dataset)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Noise(), batch_size=32)  # the cause
    valid = DataLoader(TensorDataset(torch.randn(128, 512), torch.randint(0, 10, (128,))), batch_size=64)
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for step, (x, y) in enumerate(loader, 1):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        if step % 20 == 0:
            print(step, accuracy(model, valid))


main()
