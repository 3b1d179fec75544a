# slow
# below: compute dask/base.py, get dask/multiprocessing.py, get queue.py
import json
import dask.bag as db

def users(folder):
    events = db.read_text(folder + "/*.jsonl").map(json.loads).filter(usable)
    groups = events.groupby(user_of).map(summarise)  # cause
    return groups.compute(num_workers=2)  # hot
# exempt: sums inside the partitions
# below: compute dask/base.py, get dask/multiprocessing.py, get queue.py
import json
import dask.bag as db

def users(folder):
    events = db.read_text(folder + "/*.jsonl").map(json.loads)
    return events.foldby(user_of, add, 0, join, 0).compute()  # hot
# exempt: a DataFrame
# below: compute dask/base.py, get dask/multiprocessing.py, get queue.py
import dask.dataframe as dd

def users(folder):
    return dd.read_parquet(folder).groupby("user").amount.sum().compute()  # hot
