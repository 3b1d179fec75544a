# slow
# below: f pandas/core/accessor.py, strftime pandas/core/arrays/datetimes.py
import pandas as pd

def hourly(path):
    frame = pd.read_parquet(path)
    hour = frame["time"].dt.strftime("%Y-%m-%d %H")  # hot
    return frame.groupby(hour).size()
# exempt: whole hours
# below: f pandas/core/accessor.py, floor pandas/core/arrays/datetimelike.py
import pandas as pd

def hourly(path):
    frame = pd.read_parquet(path)
    return frame.groupby(frame["time"].dt.floor("h")).size()  # hot
