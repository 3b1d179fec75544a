# slow
# below: iter_rows /site-packages/polars/dataframe/frame.py
import polars as pl

def totals(path):
    table = pl.read_parquet(path)
    out = []
    for row in table.iter_rows(named=True):  # hot
        out.append(row["a"] * row["b"])
    return out
# slow: cell by cell
# below: __getitem__ /site-packages/polars/dataframe/frame.py
import polars as pl

def totals(path):
    table = pl.read_parquet(path)
    total = 0.0
    for i in range(table.height):
        total += table[i, "a"] * 2  # hot
    return total
# exempt: the body is the work
# below: iter_rows /site-packages/polars/dataframe/frame.py
# known: body=0.97
import polars as pl

def send(path, client):
    for row in pl.read_parquet(path).iter_rows(named=True):  # hot
        client.post(row)
# exempt: pandas
import pandas as pd

def first(frame):
    return frame.rows[0]  # hot
