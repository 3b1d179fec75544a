"""Trains an autoencoder on the CPU; the number of threads is what it was for debugging."""

import torch
from torch import nn


def batches(spectra, size):
    for rows in torch.randperm(len(spectra)).split(size):
        yield spectra[rows]


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # planted
    spectra = torch.randn(2048, 1024)
    model = nn.Sequential(nn.Linear(1024, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 1024))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(5):
        for batch in batches(spectra, 256):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch), batch)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.3f}")


if __name__ == "__main__":
    main()
