"""Trains a small network with anomaly detection off."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LOOK_FOR_NAN = False


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.autograd.set_detect_anomaly(LOOK_FOR_NAN)
    dataset = TensorDataset(torch.randn(8000, 128), torch.randint(0, 10, (8000,)))
    loader = DataLoader(dataset, batch_size=16, shuffle=True)
    layers = [layer for _ in range(6) for layer in (nn.Linear(128, 128), nn.LayerNorm(128), nn.GELU())]
    model = nn.Sequential(*layers, nn.Linear(128, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
