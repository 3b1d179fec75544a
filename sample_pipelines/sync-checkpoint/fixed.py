"""Trains a small head on frozen word vectors and keeps every few steps' state, vectors included."""

import os
import pathlib
import tempfile

import torch
from torch import nn

SAVE_EVERY = 375


def save(model, optimizer, path):
    with open(path, "wb") as file:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
        file.flush()
        os.fsync(file.fileno())


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = torch.randint(0, 50_000, (12_000, 8))
    labels = torch.randint(0, 10, (12_000,))
    dataset = torch.utils.data.TensorDataset(data, labels)
    loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)
    vectors = nn.EmbeddingBag(50_000, 128)
    vectors.requires_grad_(False)
    layers = [layer for _ in range(8) for layer in (nn.Linear(128, 128), nn.ReLU())]
    model = nn.Sequential(vectors, *layers, nn.Linear(128, 10))
    optimizer = torch.optim.Adam(p for p in model.parameters() if p.requires_grad)
    step = 0
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(3):
            for x, y in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
                step += 1
                if step % SAVE_EVERY == 0:
                    save(model, optimizer, pathlib.Path(folder) / "last.pt")
            print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
