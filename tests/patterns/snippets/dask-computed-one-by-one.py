# slow
# below: compute dask/dataframe/dask_expr/_collection.py, compute dask/base.py, wait threading.py
def headline(trips):
    return {
        "revenue": float(trips["total"].sum().compute()),  # hot
        "minutes": float(trips["minutes"].mean().compute()),
    }

def per_hour(trips):
    hours = trips["pickup_at"].dt.hour
    return hours.value_counts().compute()
# slow: in one function, from the file on
# below: compute dask/dataframe/dask_expr/_collection.py, compute dask/base.py, wait threading.py
import dask.dataframe as dd

def main(path):
    trips = dd.read_csv(path)
    trips = trips[trips.fare > 0]
    low = trips.fare.min().compute()
    high = trips.fare.max().compute()
    mean = trips.fare.mean().compute()  # hot
    return low, high, mean
# exempt: kept in memory
# below: compute dask/dataframe/dask_expr/_collection.py, compute dask/base.py, wait threading.py
import dask.dataframe as dd

def main(path):
    trips = dd.read_parquet(path).persist()
    low = trips.fare.min().compute()
    high = trips.fare.max().compute()
    mean = trips.fare.mean().compute()  # hot
    return low, high, mean
# exempt: three frames
# below: compute dask/dataframe/dask_expr/_collection.py, compute dask/base.py, wait threading.py
import dask.dataframe as dd

def main(a, b, c):
    trips, zones, days = dd.read_parquet(a), dd.read_parquet(b), dd.read_parquet(c)
    return trips.x.sum().compute(), zones.x.sum().compute(), days.x.sum().compute()  # hot
