"""One lazy plan of Polars over a Parquet file: it reads the columns and rows that it needs, when it is collected."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl


def write_orders(path, rows=5_000_000):
    random = np.random.default_rng(0)
    columns = {f"field_{i}": random.integers(0, 1000, rows) for i in range(4)}
    columns.update(customer=random.integers(0, 50_000, rows), price=random.gamma(2, 30, rows))
    pl.DataFrame(columns).write_parquet(path)


def main():
    with tempfile.TemporaryDirectory(prefix="orders-") as folder:
        path = Path(folder) / "orders.parquet"
        write_orders(path)
        orders = pl.scan_parquet(path)
        large = orders.filter(pl.col("price") > 20).with_columns(rank=pl.col("price").rank().over("customer"))
        totals = large.group_by("customer").agg(
            pl.col("price").sum().alias("paid"), pl.col("price").quantile(0.9).alias("high"), pl.col("rank").max()
        )
        best = totals.sort("paid", descending=True).collect()
    print(best.head(5), best["high"].mean())


if __name__ == "__main__":
    main()
