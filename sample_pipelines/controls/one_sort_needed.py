"""Two large tables sorted and joined on time, once: the sort is what the job is for."""

import numpy as np
import pandas as pd

TRADES, QUOTES = 3_000_000, 6_000_000


def table(rows, seed, value):
    random = np.random.default_rng(seed)
    at = pd.Timestamp("2024-03-01").value + random.integers(0, 8 * 3600 * 10**9, rows)
    columns = {"at": at.astype("datetime64[ns]"), "symbol": random.integers(0, 500, rows)}
    return pd.DataFrame({**columns, value: random.gamma(2, 50, rows)})


def main():
    trades = table(TRADES, 1, "price").sort_values("at", ignore_index=True)
    quotes = table(QUOTES, 2, "bid").sort_values("at", ignore_index=True)
    joined = pd.merge_asof(trades, quotes, on="at", by="symbol")
    slip = joined["price"] - joined["bid"]
    print(f"{slip.notna().sum()} trades with a quote, slip {slip.mean():.4f} on average")


if __name__ == "__main__":
    main()
