"""Train on a data set that keeps what it has computed: the cache is full after the first epoch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Cached(Dataset):
    def __init__(self, count=1536):
        self.seeds = torch.randn(count, 16)
        self.cache = {}

    def __len__(self):
        return len(self.seeds)

    def __getitem__(self, index):
        if index not in self.cache:
            self.cache[index] = self.seeds[index].repeat(1024)
        return self.cache[index], self.seeds[index].argmax()


model = nn.Sequential(nn.LayerNorm(16384), nn.Linear(16384, 192), nn.ReLU(), nn.Linear(192, 16))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
loader = DataLoader(Cached(), batch_size=64, shuffle=True)

for epoch in range(6):
    total = 0.0
    for x, y in loader:
        for _ in range(2):
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / len(loader):.3f}")
