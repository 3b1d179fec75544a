"""Totals by shop and day with pyarrow: one call, whose native threads do the work."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SALES = 3_000_000


def sales(seed=0):
    numbers = np.random.default_rng(seed)
    return pa.table(
        {
            "shop": numbers.integers(0, 500, SALES),
            "day": numbers.integers(0, 365, SALES),
            "price": numbers.random(SALES),
        }
    )


def main():
    table = sales()
    for discount in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        priced = table.append_column("paid", pc.multiply(table["price"], discount))
        totals = priced.group_by(["shop", "day"]).aggregate([("paid", "sum"), ("paid", "max"), ("paid", "stddev")])
        largest = totals.sort_by([("paid_sum", "descending")]).slice(0, 3)
        print(f"{discount:.0%}: {largest['paid_sum'].to_pylist()}")


if __name__ == "__main__":
    main()
