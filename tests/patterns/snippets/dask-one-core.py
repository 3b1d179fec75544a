# slow
# below: compute dask/base.py, get dask/threaded.py, queue_get dask/local.py
# known: workers_busy=0.2
import dask.dataframe as dd

def totals(path):
    frame = dd.read_csv("events.csv.gz", blocksize=None)
    return frame.groupby("user").size().compute()  # hot
# exempt: many parts
# below: compute dask/base.py, get dask/threaded.py, queue_get dask/local.py
# known: workers_busy=0.2
import dask.dataframe as dd

def totals(path):
    frame = dd.read_parquet("parts/*.parquet")
    return frame.groupby("user").size().compute()  # hot
