"""Trains a small classifier on compressed image files."""

import pathlib
import tempfile

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def make_images(folder, count):
    rng = np.random.default_rng(0)
    for i in range(count):
        image = rng.integers(0, 40, (3, 160, 160), dtype=np.uint8)
        np.savez_compressed(folder / f"{i}.npz", image=image, label=i % 10)


class Images(Dataset):
    def __init__(self, folder, repeat):
        self.files = sorted(folder.glob("*.npz")) * repeat

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with np.load(self.files[index]) as file:
            image, label = file["image"], int(file["label"])
        image = torch.from_numpy(image).float() / 255
        if index % 2:
            image = image.flip(2)
        return nn.functional.avg_pool2d(image, 5), label


class RowReader(nn.Module):
    """Reads an image row by row."""

    def __init__(self):
        super().__init__()
        self.rows = nn.LSTM(96, 128, num_layers=3, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, images):
        states, _ = self.rows(images.transpose(1, 2).flatten(2))
        return self.head(states[:, -1])


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_images(folder, 100)
        loader = DataLoader(
            Images(folder, repeat=25), batch_size=16, shuffle=True, num_workers=1, persistent_workers=True
        )
        model = RowReader()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for epoch in range(2):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
            print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
