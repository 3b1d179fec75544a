"""Trains a classifier of short reports; their features are counted words and letter groups, made in Python."""

import pathlib
import tempfile
import zlib

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

WIDTH = 4096
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write_reports(folder, count):
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list(LETTERS), rng.integers(3, 9))) for _ in range(2000)]
    for i in range(count):
        (folder / f"{i}.txt").write_text(" ".join(rng.choice(words, 1500)))


def clean(text):
    kept = []
    for letter in text.lower():
        kept.append(letter if letter in LETTERS else " ")
    return "".join(kept)


def groups(text):
    found = []
    for start in range(len(text) - 3):
        group = text[start : start + 3]
        if " " not in group:
            found.append(group)
    return found


def counts(groups):
    row = [0.0] * WIDTH
    for group in groups:
        row[zlib.crc32(group.encode()) % WIDTH] += 1.0
    return np.log1p(np.array(row, dtype=np.float32))


class Reports(Dataset):
    def __init__(self, folder):
        self.files = sorted(folder.glob("*.txt"))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):  # planted
        text = clean(self.files[index].read_text())
        return counts(groups(text)), index % 4


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_reports(folder, 320)
        loader = DataLoader(Reports(folder), batch_size=16, shuffle=True, num_workers=2, persistent_workers=True)
        model = nn.Sequential(nn.Linear(WIDTH, 1024), nn.ReLU(), nn.Linear(1024, 4))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for epoch in range(8):
            for rows, labels in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(rows), labels).backward()
                optimizer.step()
            print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
