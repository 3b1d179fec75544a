"""Mean delay by station: sensor readings are sorted by time before they are averaged."""

import tempfile
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd

DAYS, READINGS = 24, 300_000


def export(folder):
    """What the gateway leaves behind: a file of readings for each day, as they came in."""
    random = np.random.default_rng(0)
    for day in range(DAYS):
        columns = {
            "second": random.integers(0, 9_000_000, READINGS),
            "station": random.integers(0, 500, READINGS),
        }
        readings = pd.DataFrame({**columns, "delay": random.gamma(2.0, 30.0, READINGS)})
        readings.to_parquet(folder / f"readings-{day:02}.parquet")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(folder)
        readings = dd.read_parquet(str(folder / "readings-*.parquet"))
        readings = readings.set_index("second")
        delays = readings.groupby("station")["delay"].mean().compute()
        print(f"{len(delays)} stations, the slowest with {delays.max():.1f} s")


if __name__ == "__main__":
    main()
