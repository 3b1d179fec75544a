"""Word counts of a compressed log per service; one service writes most of it."""

import zlib

import dask
import numpy as np

LINES = [40_000_000, 400_000, 400_000, 400_000, 400_000, 400_000, 400_000, 400_000]


def record(lines):
    """What a service has written, compressed."""
    return zlib.compress(np.random.default_rng(lines).integers(0, 40, lines, dtype="uint8").tobytes(), 1)


def parts():
    return [record(lines) for lines in LINES]


@dask.delayed
def count(part):
    codes = np.frombuffer(zlib.decompress(part), dtype="uint8")
    for _ in range(16):
        ordered = np.sort(codes, kind="stable")
    return int((np.diff(ordered) > 0).sum())


def main():
    counts = dask.compute(*[count(part) for part in parts()])
    print(f"{len(counts)} parts, {max(counts)} words at most")


if __name__ == "__main__":
    main()
