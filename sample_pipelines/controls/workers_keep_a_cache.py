"""Each worker keeps the patches that it cut last, up to a number: memory of its own, copied from nobody."""

from functools import lru_cache

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
torch.set_num_threads(1)


class Patches(Dataset):
    def __init__(self, count=12_000):
        self.names = [f"patch-{number}" for number in range(count)]
        self.patch = lru_cache(maxsize=2_000)(self._cut)

    def _cut(self, seed):
        return torch.randn(64, 64, generator=torch.Generator().manual_seed(seed))

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        return self.patch(index % 3_000).flatten(), index % 10


if __name__ == "__main__":
    model = nn.Sequential(nn.Linear(4096, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(Patches(), batch_size=64, shuffle=True, num_workers=2, persistent_workers=True)
    for epoch in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        print("epoch", epoch)
