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
# slow: a date of the standard library, in plain Python
# known: looped=True
from collections import Counter

def label(fmt):
    return lambda day: day.strftime(fmt)  # hot

def months(days):
    return Counter(map(label("%Y-%m"), days))
# exempt: kept for each distinct date
# known: looped=True
import functools

@functools.cache
def label(day):
    return day.strftime("%Y-%m")  # hot
# exempt: once
import datetime

def title(report):
    return report.name + datetime.date.today().strftime("%Y-%m-%d")  # hot
# slow: in a formatted text
def months(days):
    return [f"{day:%Y-%m}" for day in days]  # hot
# exempt: a share
def shares(values):
    return [f"{value:.1%}" for value in values]  # hot
