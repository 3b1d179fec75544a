"""A report on one station, from the readings of all stations in forty files, one a month.

python slow.py [folder]
"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

STATIONS, HOURS, SENSORS, MONTHS = 400, 5000, 10, 40


def write_months(folder):
    """Readings of all stations, station by station; the months do not differ."""
    random = np.random.default_rng(0)
    rows = STATIONS * HOURS
    readings = {"station": np.repeat(np.arange(STATIONS), HOURS), "hour": np.tile(np.arange(HOURS), STATIONS)}
    readings |= {f"sensor_{i}": random.integers(0, 500, rows) / 8 for i in range(SENSORS)}
    pd.DataFrame(readings).to_parquet(folder / "readings-0.parquet", row_group_size=100_000)
    for month in range(1, MONTHS):
        shutil.copy(folder / "readings-0.parquet", folder / f"readings-{month}.parquet")


def month_of(path, station):
    readings = pd.read_parquet(path)  # planted
    readings = readings[readings["station"] == station]
    smooth = readings.set_index("hour").rolling(24).mean().dropna()
    return smooth.to_numpy().max()


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "stations"
    folder.mkdir(exist_ok=True)
    write_months(folder)
    highest = [month_of(folder / f"readings-{month}.parquet", 17) for month in range(MONTHS)]
    print(f"{max(highest):.3f} at most", flush=True)


if __name__ == "__main__":
    main()
