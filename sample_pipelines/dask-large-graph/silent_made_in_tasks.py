"""Scores of forty models, on a cluster: each task makes the table that it needs."""

import dask
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster

ROWS, MODELS = 1_000_000, 40


def features():
    random = np.random.default_rng(0)
    return pd.DataFrame({name: random.normal(size=ROWS) for name in "abcdefgh"})


def score(seed):
    table = features()
    first, second = np.random.default_rng(seed).choice(table.columns, 2, replace=False)
    return float((table[first] - table[second]).abs().mean())


def main():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        scores = [dask.delayed(score)(seed) for seed in range(MODELS)]
        scores = dask.compute(*scores)
        print(f"{len(scores)} models, the best {min(scores):.3f}")


if __name__ == "__main__":
    main()
