"""Fit a kernel regression on random features, one minibatch at a time."""
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

FEATURES = 16384
BATCH = 1024


def features(x, projection, offset, out):
    torch.mm(x, projection, out=out)
    return out.add_(offset).cos_()


def train(data, epochs=3):
    projection = torch.randn(4, FEATURES)
    offset = torch.rand(FEATURES) * 2 * np.pi
    weight = torch.zeros(FEATURES, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1e-5)
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    buffer = torch.empty(BATCH, FEATURES)
    for epoch in range(epochs):
        total = 0.0
        for x, y in loader:
            with torch.no_grad():
                phi = features(x, projection, offset, buffer)
            error = phi @ weight - y
            loss = (error**2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}")


if __name__ == "__main__":
    x = torch.randn(20 * BATCH, 4)
    y = torch.sin(x.sum(1))
    train(TensorDataset(x, y))
