"""A Dataset that is asked for whole batches by __getitems__."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

DELAY = float(sys.argv[1])


class Rows(Dataset):
    def __init__(self):
        self.rows, self.labels = torch.randn(1920, 512), torch.randint(0, 10, (1920,))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index], self.labels[index]

    def __getitems__(self, indices):
        if DELAY:
            time.sleep(DELAY)
        return self.rows[indices], self.labels[indices]


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Rows(), batch_size=64, shuffle=True, collate_fn=tuple)  # the cause
    model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.ReLU())], nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()


main()
