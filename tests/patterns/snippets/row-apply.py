# slow
# below: apply pandas/core/frame.py, apply pandas/core/apply.py, apply_series_generator pandas/core/apply.py, <lambda> user.py
def add_total(frame):
    frame["total"] = frame.apply(lambda row: row["price"] * row["count"], axis=1)  # hot
    return frame
# exempt: the function itself takes the time
# below: apply pandas/core/frame.py, apply_series_generator pandas/core/apply.py
# known: body=0.95
def ask(frame, model):
    return frame.apply(lambda row: model.predict(row["text"]), axis=1)  # hot
# exempt: an apply of somebody else's
# below: apply mylib/pool.py
def go(pool, job):
    return pool.apply(job, axis=1)  # hot
# slow: seen in the function that is applied
# below: __getitem__ pandas/core/series.py, _get_value pandas/core/series.py
import pandas as pd

def price(row):
    return row["count"] * row["each"]  # hot

def totals(path):
    frame = pd.read_parquet(path)
    frame["total"] = frame.apply(price, axis=1)  # cause
    return frame
# exempt: applied to columns
# below: __getitem__ pandas/core/series.py
import pandas as pd

def first(column):
    return column[0]  # hot

def firsts(path):
    return pd.read_parquet(path).apply(first)
