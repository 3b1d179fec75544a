# slow: a data set of pyarrow
import pyarrow.compute as pc
import pyarrow.dataset as ds

def spent(folder, day):
    table = ds.dataset(folder).to_table()  # hot
    rows = table.filter(pc.equal(table["day"], day))
    return pc.sum(rows["spent"]).as_py()
# slow: polars, eagerly
# below: read_parquet polars/io/parquet/functions.py, collect polars/lazyframe/frame.py
import polars as pl

def day_of(path, day):
    return pl.read_parquet(path).filter(pl.col("day") == day)  # hot
# exempt: the reader filters
import pyarrow.dataset as ds

def spent(folder, day):
    table = ds.dataset(folder).to_table(filter=ds.field("day") == day)  # hot
    return table.filter(ds.field("spent") > 0)
# exempt: all rows are used, too
import pyarrow.compute as pc
import pyarrow.parquet as pq

def shares(path, day):
    table = pq.read_table(path)  # hot
    total = pc.sum(table["spent"]).as_py()
    return pc.sum(table.filter(pc.equal(table["day"], day))["spent"]).as_py() / total
# exempt: a part for each day
import polars as pl

def by_day(path, days):
    table = pl.read_parquet(path)  # hot
    return [table.filter(pl.col("day") == day) for day in days]
