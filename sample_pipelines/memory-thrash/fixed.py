"""Fit a kernel regression on random features, one minibatch at a time."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

FEATURES = 65536
BATCH = 256


class RandomFeatures(nn.Module):
    """cos(x W + b): an approximation of a Gaussian kernel."""

    def __init__(self, inputs, features):
        super().__init__()
        self.register_buffer("projection", torch.randn(inputs, features))
        self.register_buffer("offset", torch.rand(features) * 2 * math.pi)
        self.register_buffer("out", torch.empty(BATCH, features), persistent=False)

    @torch.no_grad()
    def forward(self, x):
        torch.mm(x, self.projection, out=self.out)
        return self.out.add_(self.offset).cos_()


class Regression(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = RandomFeatures(4, FEATURES)
        self.weight = nn.Parameter(torch.zeros(FEATURES))

    def forward(self, x):
        return self.features(x) @ self.weight


def train(data, epochs=3):
    model = Regression()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    loader = DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    for epoch in range(epochs):
        total = 0.0
        for x, y in loader:
            loss = ((model(x) - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.4f}")


if __name__ == "__main__":
    x = torch.randn(20 * BATCH, 4)
    train(TensorDataset(x, torch.sin(x.sum(1))))
