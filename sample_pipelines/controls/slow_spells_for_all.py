"""A store that answers everybody late for a moment now and then: all workers are slow at the same time."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Store:
    def get(self, index):
        time.sleep(0.030 if time.time() % 2 < 0.2 else 0.0008)
        return torch.randn(64, 16)


class Recordings(Dataset):
    def __init__(self, store):
        self.store = store

    def __len__(self):
        return 3200

    def __getitem__(self, index):
        return self.store.get(index), index % 4


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
    loader = DataLoader(Recordings(Store()), batch_size=8, num_workers=4, prefetch_factor=4)
    model = Listener()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
