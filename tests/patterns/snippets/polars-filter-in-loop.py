# slow
# below: filter /site-packages/polars/dataframe/frame.py
import polars as pl

def sums(path, ids):
    table = pl.read_parquet(path)
    out = []
    for key in ids:
        out.append(table.filter(pl.col("id") == key)["value"].sum())  # hot
    return out
# exempt: ranges overlap
import polars as pl

def windows(path, days):
    table = pl.read_parquet(path)
    for day in days:
        yield table.filter(pl.col("day") > day - 7, pl.col("day") <= day).height  # hot
# exempt: once
import polars as pl

def part(path, key):
    return pl.read_parquet(path).filter(pl.col("id") == key)  # hot
