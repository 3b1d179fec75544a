"""Trains a language-model-sized embedding and keeps every few steps' state."""

import os
import pathlib
import tempfile

import torch
from torch import nn

SAVE_EVERY = 100


def save(model, optimizer, path):
    with open(path, "wb") as file:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
        file.flush()
        os.fsync(file.fileno())


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = torch.randn(4096, 512)
    labels = torch.randint(0, 10, (4096,))
    dataset = torch.utils.data.TensorDataset(data, labels)
    loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)
    model = nn.Sequential(nn.Linear(512, 2048), nn.ReLU(), nn.Linear(2048, 1024), nn.ReLU(), nn.Linear(1024, 10))
    optimizer = torch.optim.Adam(model.parameters())
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
