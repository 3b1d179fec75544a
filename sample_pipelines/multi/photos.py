"""Predicts how often a photograph is looked at, from its pixels and from what its owner is known for.

python photos.py [--workers N] [--owners rows|columns] [--log-every N]
"""

import argparse
import logging
import pathlib
import tempfile
import time

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

log = logging.getLogger("photos")


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--owners", choices=["rows", "columns"], default="rows")
    parser.add_argument("--log-every", type=int, default=1)
    return parser.parse_args()


def owners_by_rows(photos):
    known = []
    for _, photo in photos.iterrows():
        score = photo["followers"] / (photo["age"] + 1.0)
        known.append(score * 2.0 if photo["verified"] else score)
    return np.array(known)


def owners_by_columns(photos):
    return photos["followers"] / (photos["age"] + 1.0) * np.where(photos["verified"], 2.0, 1.0)


class Bucket:
    """An object store: each request waits for its answer."""

    def __init__(self, count):
        random = np.random.default_rng(0)
        self.objects = [random.integers(0, 255, (3, 32, 32), dtype=np.uint8).tobytes() for _ in range(count)]

    def get(self, key):
        time.sleep(0.001)
        return self.objects[key % len(self.objects)]


class Photos(Dataset):
    def __init__(self, bucket, known, count):
        self.bucket, self.known, self.count = bucket, known, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        pixels = torch.frombuffer(bytearray(self.bucket.get(index)), dtype=torch.uint8)
        return pixels.float() / 255, self.known[index], index % 10


def write_down(model, step, loss):
    log.info("step %d loss %.4f", step, loss)
    for name, parameter in model.named_parameters():
        log.debug("step %d gradient of %s: %s", step, name, parameter.grad)


def main():
    chosen = options()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    photos = pd.DataFrame({"followers": random.gamma(1.5, 400.0, 150_000), "age": random.integers(0, 90, 150_000)})
    photos["verified"] = random.random(150_000) < 0.05
    known = (owners_by_rows if chosen.owners == "rows" else owners_by_columns)(photos)
    known = torch.from_numpy(np.log1p(np.asarray(known)).astype("float32"))
    model = nn.Sequential(nn.Linear(3073, 384), nn.ReLU(), nn.Linear(384, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(
        Photos(Bucket(64), known, 3200),
        batch_size=16,
        num_workers=chosen.workers,
        persistent_workers=chosen.workers > 0,
    )
    with tempfile.TemporaryDirectory() as folder:
        logging.basicConfig(filename=pathlib.Path(folder) / "photos.log", level=logging.DEBUG)
        for step, (pixels, owner, label) in enumerate(loader, 1):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(torch.cat([pixels, owner[:, None]], 1)), label)
            loss.backward()
            optimizer.step()
            if step % chosen.log_every == 0:
                write_down(model, step, loss.item())
    print(f"{step} steps, loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
