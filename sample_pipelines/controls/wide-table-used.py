"""A wide Parquet table of which every column is used: projection would save nothing."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch


def main():
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="sensors-") as folder:
        path = Path(folder) / "sensors.parquet"
        pd.DataFrame({f"sensor_{i:03d}": random.normal(0, 1, 60_000) for i in range(60)}).to_parquet(path)
        readings = pd.read_parquet(path)
    values = readings.to_numpy("float32")
    features = torch.from_numpy((values - values.mean(0)) / values.std(0))
    model = torch.nn.Sequential(torch.nn.Linear(60, 128), torch.nn.ReLU(), torch.nn.Linear(128, 60))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for step in range(300):
        chosen = features[torch.randint(0, len(features), (1024,))]
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(chosen), chosen)
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
