"""Predicts the duration of taxi trips by a table of places; the months are read anew in each epoch.

python trips.py [--format csv|parquet] [--save-every N]
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import torch
from torch import nn

MONTHS, TRIPS, EPOCHS, BATCH = 3, 250_000, 4, 10_000
MEASURED = ["x", "y", "to_x", "to_y", "distance", "fare", "tip", "tolls", "wind", "rain", "hour", "weekday"]


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--save-every", type=int, default=4)
    return parser.parse_args()


def export(folder, form):
    for month in range(MONTHS):
        random = np.random.default_rng(month)
        columns = {name: random.normal(0, 1, TRIPS) for name in [*MEASURED, "duration"]}
        trips = pa.table({**columns, "pickup": random.integers(0, 60_000, TRIPS)})
        write = pyarrow.csv.write_csv if form == "csv" else pyarrow.parquet.write_table
        write(trips, folder / f"trips-{month}.{form}")


def load(folder, form, month):
    path = folder / f"trips-{month}.{form}"
    trips = pd.read_csv(path) if form == "csv" else pd.read_parquet(path)
    features = torch.from_numpy(trips[MEASURED].to_numpy("float32", copy=True))
    return (
        features,
        torch.from_numpy(trips["pickup"].to_numpy(copy=True)),
        torch.from_numpy(trips["duration"].to_numpy("float32", copy=True)),
    )


def save(model, path):
    with open(path, "wb") as file:
        torch.save(model.state_dict(), file)
        file.flush()
        os.fsync(file.fileno())


class Durations(nn.Module):
    def __init__(self):
        super().__init__()
        self.places = nn.Embedding(60_000, 64, sparse=True)
        self.rest = nn.Sequential(nn.Linear(76, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, features, pickup):
        return self.rest(torch.cat([features, self.places(pickup)], 1))[:, 0]


def main():
    chosen = options()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Durations()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    step = 0
    with tempfile.TemporaryDirectory(prefix="trips-") as name:
        folder = Path(name)
        export(folder, chosen.format)
        for epoch in range(EPOCHS):
            for month in range(MONTHS):
                features, pickup, duration = load(folder, chosen.format, month)
                for start in range(0, TRIPS, BATCH):
                    rows = slice(start, start + BATCH)
                    optimizer.zero_grad()
                    loss = nn.functional.mse_loss(model(features[rows], pickup[rows]), duration[rows])
                    loss.backward()
                    optimizer.step()
                    step += 1
                    if step % chosen.save_every == 0:
                        save(model, folder / "last.pt")
            print(f"epoch {epoch}: loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    main()
