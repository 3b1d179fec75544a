# slow
# below: __setitem__ pandas/core/indexing.py
def fill(frame):
    for i in range(len(frame)):
        frame.loc[i, "sum"] = frame_value(i)  # hot

def frame_value(i):
    return i
# exempt: a mask, no single cell
# below: __setitem__ pandas/core/indexing.py
def fill(frame, limits):
    for name, limit in limits.items():
        frame.loc[frame[name] > limit, name] = limit  # hot
# slow: a value of the row
# below: __getitem__ pandas/core/series.py, _get_value pandas/core/series.py
import pandas as pd

def total(path):
    frame = pd.read_parquet(path)
    found = 0
    for i in range(len(frame)):
        row = frame.iloc[i]  # cause
        found += row["count"] * row["each"]  # hot
    return found
