"""Trains and collects garbage every few steps, to be safe."""

import gc

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

COLLECT_EVERY = 500


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    dataset = TensorDataset(torch.randn(12_000, 256), torch.randint(0, 10, (12_000,)))
    loader = DataLoader(dataset, batch_size=32, shuffle=True)
    layers = [layer for _ in range(8) for layer in (nn.Linear(256, 256), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters())
    step = 0
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            step += 1
            if step % COLLECT_EVERY == 0:
                gc.collect()
        print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
