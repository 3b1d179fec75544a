"""Trains a classifier on recordings in an object store, a few of which lie in its slow tier."""

import pathlib
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Store:
    """Files behind a service: an answer takes half a millisecond, or much longer for what was not asked for lately."""

    def __init__(self, folder, count):
        self.folder = folder
        rng = np.random.default_rng(0)
        for i in range(count):
            np.save(folder / f"{i}.npy", rng.normal(size=1024).astype("float32"))

    def get(self, key):
        time.sleep(0.25 if key % 300 == 0 else 0.0005)
        return np.load(self.folder / f"{key}.npy")


class Listener(nn.Module):
    """Hears a recording frame by frame."""

    def __init__(self):
        super().__init__()
        self.frames = nn.LSTM(16, 192, num_layers=2, batch_first=True)
        self.head = nn.Linear(192, 4)

    def forward(self, recordings):
        states, _ = self.frames(recordings.unflatten(1, (64, 16)))
        return self.head(states[:, -1])


class Recordings(Dataset):
    def __init__(self, store, count):
        self.store, self.count = store, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return torch.from_numpy(self.store.get(index)), index % 4


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        count = 2400
        loader = DataLoader(  # planted
            Recordings(Store(pathlib.Path(name), count), count),
            batch_size=4,
            shuffle=True,
            num_workers=1,
        )
        model = Listener()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for recordings, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(recordings), labels).backward()
            optimizer.step()
        print("done")


if __name__ == "__main__":
    main()
