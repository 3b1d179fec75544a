"""Crops at random places, costly and other ones in each epoch: nothing that a cache could keep, and workers keep up."""

import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Crops(Dataset):
    def __len__(self):
        return 320

    def __getitem__(self, index):
        photograph = np.random.default_rng(index).random((3, 400, 400), np.float32)
        left, top = np.random.randint(0, 336, 2)
        return torch.from_numpy(photograph[:, top : top + 64, left : left + 64].copy()), index % 4


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(2048, 4))

    def forward(self, images):
        time.sleep(0.03)
        return self.layers(images)


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Crops(), batch_size=16, shuffle=True, num_workers=2, persistent_workers=True)
    model = Small()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(8):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
