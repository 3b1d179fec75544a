"""Trains on feature files that lie on a slow shared volume."""

import fcntl
import io
import pathlib
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

BYTES_PER_SECOND = 20e6


class SharedVolume:
    """A mount whose bandwidth all readers share: a reader waits for its turn and for its bytes."""

    def __init__(self, folder):
        self.folder = folder
        self.turn = folder / ".turn"
        self.turn.touch()

    def read_bytes(self, name):
        data = (self.folder / name).read_bytes()
        with open(self.turn) as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            time.sleep(len(data) / BYTES_PER_SECOND)
        return data


class LocalCopy:
    """Everything read once from the slow volume, then served from memory."""

    def __init__(self, volume, count):
        self.data = {f"{i}.npy": volume.read_bytes(f"{i}.npy") for i in range(count)}

    def read_bytes(self, name):
        return self.data[name]


class Features(Dataset):
    def __init__(self, volume, count):
        self.volume = volume
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        data = self.volume.read_bytes(f"{index % 64}.npy")
        return torch.from_numpy(np.load(io.BytesIO(data))), index % 3


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for i in range(64):
            np.save(folder / f"{i}.npy", np.random.default_rng(i).normal(size=5000).astype("float32"))
        volume = LocalCopy(SharedVolume(folder), 64)
        loader = DataLoader(Features(volume, 4000), batch_size=16, num_workers=2, persistent_workers=True)
        layers = [layer for _ in range(24) for layer in (nn.Linear(128, 128), nn.ReLU())]
        model = nn.Sequential(nn.Linear(5000, 128), nn.ReLU(), *layers, nn.Linear(128, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for epoch in range(2):
            for features, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(features), labels)
                loss.backward()
                optimizer.step()
            print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
