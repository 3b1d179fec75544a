# slow
# below: to_csv pandas/core/generic.py, _save_chunk pandas/io/formats/csvs.py
import pandas as pd

def clean(frame):
    frame.to_csv("clean.csv")  # hot

def train():
    return pd.read_csv("clean.csv")
# exempt: the result
# below: to_csv pandas/core/generic.py, _save_chunk pandas/io/formats/csvs.py
import pandas as pd

def report(frame):
    frame.to_csv("report.csv")  # hot
