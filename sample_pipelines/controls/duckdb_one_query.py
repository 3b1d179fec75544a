"""DuckDB over a Parquet file and a pandas table of the program's own: one query that joins and groups them."""

import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd


def write_rides(path, rows=6_000_000):
    random = np.random.default_rng(0)
    rides = {"zone": random.integers(0, 260, rows), "hour": random.integers(0, 24, rows)}
    pd.DataFrame({**rides, "fare": random.gamma(3, 6, rows), "tip": random.gamma(1, 2, rows)}).to_parquet(path)


def main():
    zones = pd.DataFrame({"zone": range(260), "borough": [f"borough {zone % 5}" for zone in range(260)]})
    with tempfile.TemporaryDirectory(prefix="rides-") as folder:
        path = Path(folder) / "rides.parquet"
        write_rides(path)
        found = duckdb.sql(
            f"SELECT borough, hour, count(*) AS rides, median(fare) AS fare, quantile_cont(tip / fare, 0.9) AS tip "
            f"FROM '{path}' JOIN zones USING (zone) GROUP BY ALL ORDER BY rides DESC"
        ).df()
    print(len(zones), found.head(3).round(3).to_string())


if __name__ == "__main__":
    main()
