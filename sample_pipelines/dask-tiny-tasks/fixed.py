"""The turnover of large orders, from a table that is cut into eight partitions."""

import dask.dataframe as dd
import numpy as np
import pandas as pd

ROWS, PARTS = 300_000, 8


def orders():
    random = np.random.default_rng(0)
    return pd.DataFrame({"customer": random.integers(0, 500, ROWS), "amount": random.gamma(2.0, 30.0, ROWS)})


def main():
    frame = dd.from_pandas(orders(), npartitions=PARTS)
    turnover = frame[frame["amount"] > 100]["amount"].sum().compute()
    print(f"turnover of large orders: {turnover:.2f}")


if __name__ == "__main__":
    main()
