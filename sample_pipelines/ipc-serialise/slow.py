"""Trains a small convolutional network on tiles of aerial photographs that lie in one memory-mapped file."""

import pathlib
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SIDE = 96


class Tiles(Dataset):
    def __init__(self, file, count):
        self.tiles = np.memmap(file, np.uint8, "r", shape=(count, 3, SIDE, SIDE))

    def __len__(self):
        return len(self.tiles)

    def __getitem__(self, index):
        return self.tiles[index].astype(np.float32), index % 4


def numpy_collate(samples):  # planted
    tiles, labels = zip(*samples)
    return np.stack(tiles), np.array(labels)


class Surveyor(nn.Module):
    """Every eighth pixel decides; a scale comes from a calibration service."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(200, 4))

    def forward(self, tiles):
        time.sleep(0.008)
        return self.layers(tiles[:, :, ::8, ::8] / 255)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        file, count = pathlib.Path(name) / "tiles.bin", 256
        np.random.default_rng(0).integers(0, 256, (count, 3, SIDE, SIDE), np.uint8).tofile(file)
        tiles = torch.utils.data.ConcatDataset([Tiles(file, count)] * 80)
        loader = DataLoader(tiles, batch_size=64, num_workers=2, collate_fn=numpy_collate)
        model = Surveyor()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for images, labels in loader:
            images, labels = torch.as_tensor(images), torch.as_tensor(labels)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        print("done")


if __name__ == "__main__":
    main()
