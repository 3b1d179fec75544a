"""Trains a model of house prices on a table that lies in memory."""

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset

FEATURES = ["area", "rooms", "floor", "age", "distance", "park", "noise", "light"]


def sold(count, seed=0):
    """A table of sales."""
    numbers = np.random.default_rng(seed)
    frame = pd.DataFrame(numbers.random((count, len(FEATURES))), columns=FEATURES)
    frame["price"] = 3 * frame["area"] + frame["rooms"] - frame["distance"] + numbers.normal(0, 0.1, count)
    return frame


class Houses(Dataset):
    def __init__(self, frame):
        self.features = torch.tensor(frame[FEATURES].to_numpy(np.float32))
        self.price = frame["price"].to_numpy(np.float32)

    def __len__(self):
        return len(self.price)

    def __getitem__(self, index):
        return self.features[index], self.price[index]


def main():
    torch.manual_seed(0)
    loader = DataLoader(Houses(sold(10_000)), batch_size=64, shuffle=True)
    layers = torch.nn.Linear(len(FEATURES), 512), torch.nn.ReLU(), torch.nn.Linear(512, 512), torch.nn.ReLU()
    model = torch.nn.Sequential(*layers, torch.nn.Linear(512, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(2):
        for features, price in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(features).squeeze(1), price)
            loss.backward()
            optimizer.step()
    print(f"loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
