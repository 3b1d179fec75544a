"""How orders end: a year of orders is merged with their deliveries, of which there are as many."""

import tempfile
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd

MONTHS, ORDERS = 24, 300_000


def export(folder):
    """What the shop leaves behind: a file of orders and one of deliveries for each month, each in its own order."""
    random = np.random.default_rng(0)
    for month in range(MONTHS):
        order = month * ORDERS + random.permutation(ORDERS)
        orders = pd.DataFrame({"order": order, "amount": random.integers(1, 9, ORDERS)})
        orders.to_parquet(folder / f"orders-{month:02}.parquet")
        late = pd.DataFrame({"order": random.permutation(order), "days": random.integers(0, 30, ORDERS)})
        late.to_parquet(folder / f"deliveries-{month:02}.parquet")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(folder)
        orders = dd.read_parquet(str(folder / "orders-*.parquet"))
        deliveries = dd.read_parquet(str(folder / "deliveries-*.parquet"))
        ended = orders.merge(deliveries, on="order")
        days = ended.groupby("amount")["days"].mean().compute()
        print(f"{len(days)} sizes of an order, {days.mean():.1f} days")


if __name__ == "__main__":
    main()
