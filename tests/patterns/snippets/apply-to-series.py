# slow
# below: apply pandas/core/series.py, apply pandas/core/apply.py, __init__ pandas/core/series.py
import pandas as pd

def split(frame):
    return frame["parts"].apply(pd.Series)  # hot
# exempt: few rows
# below: apply pandas/core/series.py, apply pandas/core/apply.py
# known: elements=200
import pandas as pd

def split(frame):
    return frame["parts"].apply(lambda part: pd.Series(part))  # hot
