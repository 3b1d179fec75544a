"""Turnover by product group: a year of orders is merged with a catalogue of products, both as Dask frames."""

import tempfile
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd

MONTHS, ORDERS, PRODUCTS = 24, 300_000, 20_000


def export(folder):
    """What the shop leaves behind: a file of orders for each month, and the catalogue in a few files."""
    random = np.random.default_rng(0)
    for month in range(MONTHS):
        product, amount = random.integers(0, PRODUCTS, ORDERS), random.integers(1, 9, ORDERS)
        orders = pd.DataFrame({"product": product, "amount": amount, "discount": random.random(ORDERS)})
        orders.to_parquet(folder / f"orders-{month:02}.parquet")
    catalogue = pd.DataFrame({"product": np.arange(PRODUCTS), "group": np.arange(PRODUCTS) % 40})
    catalogue["price"] = random.gamma(2.0, 10.0, PRODUCTS)
    for number in range(6):
        catalogue[number::6].to_csv(folder / f"catalogue-{number}.csv", index=False)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(folder)
        orders = dd.read_parquet(str(folder / "orders-*.parquet"))
        catalogue = dd.read_csv(str(folder / "catalogue-*.csv"))
        sold = orders.merge(catalogue, on="product")
        sold["turnover"] = sold["amount"] * sold["price"] * (1 - sold["discount"])
        groups = sold.groupby("group")["turnover"].sum().compute()
        print(f"{len(groups)} groups, the largest with {groups.max():.0f}")


if __name__ == "__main__":
    main()
