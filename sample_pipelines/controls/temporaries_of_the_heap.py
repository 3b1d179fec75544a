"""Temporaries in every step that the allocator keeps: small enough for its heap, which nothing gives back."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)


class Clusters(nn.Module):
    """Distances to learned centres, made anew in each step."""

    def __init__(self, inputs, count=512):
        super().__init__()
        self.register_buffer("centres", torch.randn(count, inputs))
        self.layers = nn.Sequential(nn.Linear(count, 768), nn.ReLU(), nn.Linear(768, 768), nn.ReLU(), nn.Linear(768, 8))

    def forward(self, x):
        with torch.no_grad():
            distances = x.square().sum(1, keepdim=True) + self.centres.square().sum(1) - 2 * (x @ self.centres.t())
            near = torch.exp(-distances / 64)
        return self.layers(near)


if __name__ == "__main__":
    model = Clusters(64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    data = TensorDataset(torch.randn(256 * 60, 64), torch.randint(0, 8, (256 * 60,)))
    for epoch in range(2):
        total = 0.0
        for x, y in DataLoader(data, batch_size=256, shuffle=True):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: {total / 60:.3f}")
