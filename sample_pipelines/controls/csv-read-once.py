"""A small CSV file, read once, and a model trained on it for much longer: nothing to fix."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch


def main():
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="houses-") as folder:
        path = Path(folder) / "houses.csv"
        sold = {"area": random.gamma(9, 12, 4000), "rooms": random.integers(1, 8, 4000)}
        sold.update(age=random.integers(0, 90, 4000), price=random.gamma(5, 60, 4000))
        pd.DataFrame(sold).to_csv(path, index=False)
        houses = pd.read_csv(path)
    features = torch.from_numpy(houses[["area", "rooms", "age"]].to_numpy("float32") / 100)
    price = torch.from_numpy(houses["price"].to_numpy("float32") / 300)
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 1)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for step in range(400):
        chosen = torch.randint(0, 4000, (1024,))
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(features[chosen])[:, 0], price[chosen])
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
