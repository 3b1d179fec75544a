"""Trains a small classifier on photographs, the way first versions are often written: it works, and it is slow.

    bottleneck run sample_pipelines/demo/train.py

Every image is opened, decoded and augmented by the same process that trains. The images are real JPEG files, written
to a temporary folder at the start. About fifteen seconds on two cores.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

IMAGES, CLASSES, EPOCHS, BATCH_SIZE = 128, 4, 6, 16


def write_images(folder):
    """A class is a hue: coloured noise, so that there is something to learn and the decoder has work to do."""
    random = np.random.default_rng(0)
    for index in range(IMAGES):
        coarse = random.integers(0, 160, (30, 40, 3), dtype=np.uint8)
        coarse[..., index % CLASSES % 3] += np.uint8(40 + 20 * (index % CLASSES))
        image = Image.fromarray(coarse).resize((960, 720), Image.Resampling.BICUBIC)
        image.save(folder / f"{index:04d}_{index % CLASSES}.jpg", quality=92)


class Photographs(Dataset):
    def __init__(self, folder):
        self.paths = sorted(folder.glob("*.jpg"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        path = self.paths[index]
        image = Image.open(path).convert("RGB")
        image = image.rotate(float(torch.rand(()) * 10 - 5), Image.Resampling.BILINEAR)
        image = image.resize((64, 64), Image.Resampling.BICUBIC)
        pixels = np.asarray(image, dtype=np.float32) / 255
        return torch.from_numpy(pixels).permute(2, 0, 1), int(path.stem.split("_")[1])


def build_model():
    return nn.Sequential(
        nn.Conv2d(3, 24, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(48 * 16, CLASSES),
    )


def train(folder):
    loader = DataLoader(Photographs(folder), batch_size=BATCH_SIZE, shuffle=True)
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss_function = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        started, total = time.perf_counter(), 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = loss_function(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1}  loss {total / len(loader):.3f}  {time.perf_counter() - started:.1f} s", flush=True)


def main():
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="photographs-") as folder:
        write_images(Path(folder))
        train(Path(folder))


if __name__ == "__main__":
    main()
