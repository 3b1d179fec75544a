# slow
# below: compute /site-packages/dask/base.py
import dask.dataframe as dd

def means(table):
    frame = dd.from_pandas(table, npartitions=3000)  # cause
    return frame.groupby("key").value.mean().compute()  # hot
# exempt: a few
# below: compute /site-packages/dask/base.py
import dask.dataframe as dd

def means(table):
    frame = dd.from_pandas(table, npartitions=8)
    return frame.groupby("key").value.mean().compute()  # hot
