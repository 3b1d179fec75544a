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
# slow: threads, of which one works
# below: compute dask/base.py, get dask/threaded.py, queue_get dask/local.py, get queue.py
# known: off_cpu=True cores=1.0
import dask.dataframe as dd

class Pipeline:
    def __init__(self, frame):
        self.frame = dd.from_pandas(frame, npartitions=1)

    def run(self, work):
        return (
            self.frame
            .map_partitions(work)
            .compute()  # hot
        )
# exempt: its threads keep the cores busy
# below: compute dask/base.py, get dask/threaded.py, queue_get dask/local.py, get queue.py
# known: off_cpu=True cores=3.5
import dask.dataframe as dd

def run(frame, work):
    return dd.from_pandas(frame, npartitions=1).map_partitions(work).compute()  # hot
