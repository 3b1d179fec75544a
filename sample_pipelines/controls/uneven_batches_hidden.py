"""Batches of very unequal length that the queue hides: steps enough are queued before each slow one."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Uneven(Dataset):
    def __len__(self):
        return 500

    def __getitem__(self, index):
        time.sleep(0.03 if index % 12 == 0 else 0.003)
        return torch.randn(4, 64, 16), torch.arange(4)


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.frames = nn.LSTM(16, 128, num_layers=2, batch_first=True)
        self.head = nn.Linear(128, 4)

    def forward(self, x):
        return self.head(self.frames(x)[0][:, -1])


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Uneven(), batch_size=None, num_workers=2, prefetch_factor=4, persistent_workers=True)
    model = Listener()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
