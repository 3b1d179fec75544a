"""The day's export, a CSV file that a fast engine parses once; most of the time goes into what is done with it."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv


def write_export(path, rows=2_000_000):
    random = np.random.default_rng(0)
    sales = {"shop": random.integers(0, 400, rows), "item": random.integers(0, 5000, rows)}
    sales.update(amount=random.integers(100, 90_000, rows), discount=random.integers(0, 30, rows))
    pa.csv.write_csv(pa.table(sales), path)


def margins(sales):
    """The median price of each item in each shop, and how far each sale is from it."""
    paid = sales["amount"] * (1 - sales["discount"] / 100)
    groups = paid.groupby([sales["shop"], sales["item"]])
    return (paid - groups.transform("median")) / groups.transform("std")


def main():
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / "sales.csv"
        write_export(path)
        sales = pd.read_csv(path, engine="pyarrow")
    far = margins(sales)
    shops = far.abs().groupby(sales["shop"]).quantile([0.5, 0.9, 0.99])
    print(f"{len(sales)} sales, {(far.abs() > 2).mean():.3f} far from the median")
    print(shops.unstack().mean().round(3).to_dict())


if __name__ == "__main__":
    main()
