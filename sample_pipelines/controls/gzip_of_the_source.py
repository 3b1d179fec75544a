"""A log that its source ships as gzip: unpacked and parsed in one pass by native code, then sessions are found."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import polars as pl


def write_log(path, rows=400_000):
    random = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "user": random.integers(0, 20_000, rows),
            "second": np.sort(random.integers(0, 86_400, rows)),
            "page": random.integers(0, 900, rows),
        }
    )
    with gzip.open(path, "wb", compresslevel=1) as file:
        table.write_csv(file)


def sessions(log):
    """Visits without a pause of half an hour: how long each is, and which pages follow each other in them."""
    ordered = log.sort("user", "second").with_columns(
        pause=pl.col("second").diff().over("user").fill_null(86_400), following=pl.col("page").shift(-1).over("user")
    )
    numbered = ordered.with_columns(session=(pl.col("pause") > 1800).cum_sum())
    visits = numbered.group_by("session").agg(
        (pl.col("second").max() - pl.col("second").min()).alias("length"), pl.col("page").n_unique()
    )
    pairs = numbered.group_by("page", "following").len().sort("len", descending=True)
    spread = numbered.group_by("page").agg(pl.col("user").n_unique(), pl.col("pause").quantile(0.9))
    return visits, pairs, spread


def main():
    with tempfile.TemporaryDirectory(prefix="logs-") as folder:
        path = Path(folder) / "visits.csv.gz"
        write_log(path)
        log = pl.read_csv(path)
    for day in range(8):
        moved = log.with_columns(second=(pl.col("second") + 3600 * day) % 86_400)
        visits, pairs, spread = sessions(moved)
        print(
            f"{day}: {len(visits)} visits of {visits['length'].mean():.0f} s, {pairs['len'][0]}, {spread['user'].max()}"
        )


if __name__ == "__main__":
    main()
