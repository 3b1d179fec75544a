"""Predicts the duration of taxi trips from monthly Parquet files.

python fixed.py [folder]
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import torch

MONTHS, TRIPS, FOLDS = 6, 200_000, 6
FEATURES = ["distance", "passengers", "hour", "weekday", "pickup_x", "pickup_y"]


def export_trips(folder):
    """What the booking system leaves behind: one Parquet file a month."""
    for month in range(MONTHS):
        random = np.random.default_rng(month)
        distance = random.gamma(2.0, 2.5, TRIPS)
        seconds = (random.random(TRIPS) * 28 * 86400).astype("int64") + 1_704_067_200 + month * 2_592_000
        columns = {
            "trip_id": pa.array(np.arange(TRIPS) + month * TRIPS),
            "pickup_time": pa.array(seconds.astype("datetime64[s]")),
            "vendor": pa.array(random.choice(["acme", "city cabs", "yellow"], TRIPS)),
            "passengers": pa.array(random.integers(1, 6, TRIPS)),
            "distance": pa.array(distance),
        }
        for name in ("pickup_x", "pickup_y", "dropoff_x", "dropoff_y", "fare", "tip", "tolls"):
            columns[name] = pa.array(random.normal(10, 4, TRIPS))
        columns["duration"] = pa.array(distance * 180 + random.normal(0, 60, TRIPS))
        pyarrow.parquet.write_table(pa.table(columns), folder / f"trips-{month}.parquet")


def load_month(folder, month):
    trips = pd.read_parquet(folder / f"trips-{month}.parquet")
    trips = trips[trips["duration"] > 30].copy()
    trips["hour"] = trips["pickup_time"].dt.hour
    trips["weekday"] = trips["pickup_time"].dt.day_of_week
    return trips


def fit(features, target):
    """Least squares with pairwise products of the features; returns the mean squared error."""
    products = (features[:, :, None] * features[:, None, :]).flatten(1)
    design = torch.cat([features, products, torch.ones(len(features), 1)], dim=1)
    gram = design.T @ design + torch.eye(design.shape[1])
    weights = torch.linalg.solve(gram, design.T @ target)
    return ((design @ weights - target) ** 2).mean().item()


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "taxi-trips-parquet"
    folder.mkdir(exist_ok=True)
    export_trips(folder)
    for fold in range(FOLDS):
        months = [load_month(folder, month) for month in range(MONTHS) if month != fold]
        trips = pd.concat(months)
        features = trips[FEATURES].to_numpy("float32")
        features = torch.from_numpy((features - features.mean(0)) / features.std(0))
        target = torch.from_numpy(trips["duration"].to_numpy("float32") / 600)
        print(f"fold {fold}: {len(trips)} trips, loss {fit(features, target):.4f}", flush=True)


if __name__ == "__main__":
    main()
