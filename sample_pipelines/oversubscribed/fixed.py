"""Trains on recordings that each worker whitens and projects with NumPy, on one thread each."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is imported: a worker is enough parallelism

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402

CHANNELS, TIMES = 192, 192


class Recordings(Dataset):
    def __init__(self, count):
        random = np.random.default_rng(0)
        self.count = count
        self.raw = random.standard_normal((32, CHANNELS, TIMES), np.float32)
        self.whiten = random.standard_normal((CHANNELS, CHANNELS), np.float32) / CHANNELS**0.5
        self.project = random.standard_normal((CHANNELS, CHANNELS), np.float32) / CHANNELS**0.5

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        x = self.raw[index % len(self.raw)]
        for _ in range(2):
            x = np.tanh(self.project @ (self.whiten @ x))
        return torch.from_numpy(x.mean(axis=1)), index % 4


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Recordings(1920), batch_size=16, num_workers=2)
    model = nn.Sequential(nn.Linear(CHANNELS, 2560), nn.ReLU(), nn.Linear(2560, 2560), nn.ReLU(), nn.Linear(2560, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
