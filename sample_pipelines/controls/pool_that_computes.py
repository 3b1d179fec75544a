"""A pool of processes, each of which computes with numpy all the time: the parent waits, as it should."""

import multiprocessing
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # a process a core, and a thread a process

import numpy as np


def spread(seed):
    """The largest singular value of random matrices."""
    numbers = np.random.default_rng(seed)
    return max(float(np.linalg.svd(numbers.standard_normal((260, 260)), compute_uv=False)[0]) for _ in range(25))


def main():
    with multiprocessing.Pool(2) as pool:
        values = pool.map(spread, range(24), chunksize=1)
    print(f"{max(values):.2f} at most")


if __name__ == "__main__":
    main()
