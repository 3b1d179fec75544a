"""Trains on samples that come from a remote feature store, one request each."""

import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class FeatureStore:
    """Stands for a service on the network: every get takes a round trip."""

    def __init__(self, rows):
        rng = np.random.default_rng(0)
        self.features = rng.normal(size=(rows, 256)).astype("float32")
        self.labels = rng.integers(0, 5, rows)

    def lookup(self, key):
        time.sleep(0.0015)
        return self.features[key], self.labels[key]


class Remote(Dataset):
    def __init__(self, store):
        self.store = store

    def __len__(self):
        return len(self.store.labels)

    def __getitem__(self, index):
        features, label = self.store.lookup(index)
        return torch.from_numpy(features), int(label)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    loader = DataLoader(Remote(FeatureStore(4000)), batch_size=16, num_workers=4, persistent_workers=True)
    model = nn.Sequential(nn.Linear(256, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(), nn.Linear(1200, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1):
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(features), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
