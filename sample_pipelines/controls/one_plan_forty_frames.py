"""The same plan over forty tables, one after the other: each collect computes something else."""

import numpy as np
import polars as pl


def month(number, rows=400_000):
    random = np.random.default_rng(number)
    return pl.DataFrame(
        {
            "sensor": random.integers(0, 2000, rows),
            "minute": random.permutation(rows),
            "value": np.cumsum(random.normal(0, 1, rows)),
        }
    )


def summary(table):
    ordered = table.lazy().sort("sensor", "minute")
    moves = ordered.with_columns(move=pl.col("value").diff().over("sensor").abs())
    return moves.group_by("sensor").agg(pl.col("move").mean(), pl.col("value").quantile(0.95).alias("high")).collect()


def main():
    highest = []
    for number in range(40):
        found = summary(month(number))
        highest.append(found["high"].max())
    print(f"{max(highest):.2f} at most, {np.mean(highest):.2f} on average")


if __name__ == "__main__":
    main()
