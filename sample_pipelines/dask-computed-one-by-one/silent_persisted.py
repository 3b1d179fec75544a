"""A report on taxi trips, which are kept in memory for its figures."""

import tempfile
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pyarrow as pa
import pyarrow.csv

TRIPS = 400_000


def export_trips(path):
    random = np.random.default_rng(0)
    columns = {name: pa.array(random.gamma(2.0, 5.0, TRIPS)) for name in ("fare", "tip", "distance", "minutes")}
    columns["hour"] = pa.array(random.integers(0, 24, TRIPS))
    pyarrow.csv.write_csv(pa.table(columns), path)


def main():
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "trips.csv"
        export_trips(path)
        trips = dd.read_csv(str(path), blocksize="8MB")
        trips = trips[trips["distance"] > 0.5].persist()
        lowest = trips["fare"].min().compute()
        highest = trips["fare"].max().compute()
        tips = trips["tip"].sum().compute()
        per_hour = trips.groupby("hour")["minutes"].mean().compute()
        distance = trips["distance"].mean().compute()
        print(f"fares {lowest:.2f} to {highest:.2f}, tips {tips:.0f}, {len(per_hour)} hours, {distance:.2f} km")


if __name__ == "__main__":
    main()
