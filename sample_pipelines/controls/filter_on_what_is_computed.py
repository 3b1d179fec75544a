"""A Parquet table is filtered by a column that is computed first, and another table is split into parts that are all
used: no reader could have left rows out."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd


def write_trips(path, rows=1_500_000):
    random = np.random.default_rng(0)
    trips = {f"measure_{i}": random.random(rows) for i in range(5)}
    trips.update(miles=random.gamma(2, 2, rows), minutes=random.gamma(3, 8, rows), zone=random.integers(0, 5, rows))
    pd.DataFrame(trips).to_parquet(path)


def fast(path):
    trips = pd.read_parquet(path)
    trips["speed"] = trips["miles"] / trips["minutes"] * 60
    trips = trips[trips["speed"] > 60]
    return trips.to_numpy().mean(axis=0)


def by_zone(path):
    trips = pd.read_parquet(path)
    return [trips[trips["zone"] == zone].to_numpy().mean() for zone in range(5)]


def main():
    with tempfile.TemporaryDirectory(prefix="trips-") as folder:
        for number in range(4):
            path = Path(folder) / f"trips-{number}.parquet"
            write_trips(path)
            print(number, fast(path).round(2)[:3], np.round(by_zone(path), 3))


if __name__ == "__main__":
    main()
