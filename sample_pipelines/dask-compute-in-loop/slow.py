"""Statistics of forty days of sensor readings, one archive a day, each computed as soon as it is defined."""

import tempfile
import zlib
from pathlib import Path

import dask
import numpy as np

DAYS, VALUES = 40, 1_500_000


def record(folder):
    """What the station leaves behind: one compressed file a day."""
    day = np.round(np.random.default_rng(0).normal(20, 4, VALUES), 1)
    data = zlib.compress(day.tobytes(), 1)
    for number in range(DAYS):
        (folder / f"day-{number}.bin").write_bytes(data)


@dask.delayed
def load(path):
    return np.frombuffer(zlib.decompress(path.read_bytes()))


@dask.delayed
def spread(day):
    return float(np.percentile(day, 95) - np.percentile(day, 5))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record(folder)
        spreads = []
        for number in range(DAYS):
            day = load(folder / f"day-{number}.bin")
            spreads.append(spread(day).compute())
        print(f"{len(spreads)} days, widest {max(spreads):.1f} degrees")


if __name__ == "__main__":
    main()
