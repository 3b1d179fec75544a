"""Trains from workers that keep up, while somebody else's program computes on the same machine."""

import subprocess
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

NEIGHBOUR = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: sum(range(10_000))"


class Noise(Dataset):
    def __len__(self):
        return 19_200

    def __getitem__(self, index):
        return torch.randn(256), index % 10


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    neighbour = subprocess.Popen([sys.executable, "-S", "-I", "-c", NEIGHBOUR])
    try:
        loader = DataLoader(Noise(), batch_size=32, num_workers=1, persistent_workers=True)
        layers = [layer for _ in range(8) for layer in (nn.Linear(256, 256), nn.ReLU())]
        model = nn.Sequential(*layers, nn.Linear(256, 10))
        optimizer = torch.optim.Adam(model.parameters())
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        print("done")
    finally:
        neighbour.kill()
        neighbour.wait()
