"""A Dask table that several questions share: persisted on purpose, then each of them computed by itself."""

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd


def trips(part, rows=700_000):
    random = np.random.default_rng(part)
    return pd.DataFrame(
        {
            "zone": random.integers(0, 260, rows),
            "hour": random.integers(0, 24, rows),
            "miles": random.gamma(2, 2, rows),
            "fare": random.gamma(3, 6, rows),
        }
    )


def main():
    table = dd.from_map(trips, range(12), meta=trips(0, 2))
    table["per_mile"] = table["fare"] / table["miles"]
    table = table[table["per_mile"] < 50].persist()
    mean = table["per_mile"].mean().compute()
    dearest = table.nlargest(5, "fare").compute()
    zones, hours = dask.compute(table.groupby("zone")["fare"].mean(), table.groupby("hour")["miles"].sum())
    print(f"{mean:.3f} a mile, dearest {dearest['fare'].iloc[0]:.2f}")
    print(zones.nlargest(3).round(2).to_dict(), hours.nlargest(3).round(0).to_dict())


if __name__ == "__main__":
    dask.config.set(scheduler="threads")
    main()
