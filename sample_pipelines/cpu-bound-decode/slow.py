"""Trains on run-length encoded masks that are decoded in Python, sample by sample."""

import os
import pathlib
import tempfile

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIDE = 64


def write_masks(folder, count):
    rng = np.random.default_rng(0)
    for i in range(count):
        runs = rng.integers(1, 12, 1200)
        (folder / f"{i}.rle").write_text(" ".join(map(str, runs)))


def decode(text):
    pixels, value = [], 0
    for run in text.split():
        for _ in range(int(run)):
            pixels.append(value)
        value = 1 - value
    return np.array(pixels[: SIDE * SIDE], dtype=np.float32).reshape(1, SIDE, SIDE)


class Masks(Dataset):
    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        mask = decode(self.files[index].read_text())
        return torch.from_numpy(mask), index % 4


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_masks(folder, 400)
        files = sorted(folder.glob("*.rle")) * 20
        workers = len(os.sched_getaffinity(0))
        loader = DataLoader(Masks(files), batch_size=32, num_workers=workers, persistent_workers=True)
        layers = [layer for _ in range(16) for layer in (nn.ReLU(), nn.Linear(128, 128))]
        model = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(128), *layers, nn.Linear(128, 4)
        )
        model(torch.zeros(1, 1, SIDE, SIDE))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for epoch in range(2):
            for masks, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(masks), labels)
                loss.backward()
                optimizer.step()
            print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
