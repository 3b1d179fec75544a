"""A table written to SQLite by ``to_sql`` in one transaction, an index, and one query that groups it."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd


def measured(rows=1_000_000):
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "station": random.integers(0, 300, rows),
            "hour": np.arange(rows) // 300,
            "rain": random.gamma(1, 2, rows).round(2),
            "wind": random.gamma(3, 4, rows).round(1),
        }
    )


def main():
    with tempfile.TemporaryDirectory(prefix="weather-") as folder:
        with closing(sqlite3.connect(Path(folder) / "weather.sqlite")) as database:
            measured().to_sql("weather", database, index=False)
            database.execute("CREATE INDEX by_station ON weather (station, hour)")
            database.commit()
            wettest = pd.read_sql(
                "SELECT station, SUM(rain) AS rain, MAX(wind) AS wind, AVG(wind) AS breeze FROM weather "
                "GROUP BY station ORDER BY rain DESC",
                database,
            )
    print(wettest.head(3).round(2).to_string())


if __name__ == "__main__":
    main()
