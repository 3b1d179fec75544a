# slow
# below: apply pandas/core/series.py, apply pandas/core/apply.py, __init__ pandas/core/series.py
import pandas as pd

def split(frame):
    return frame["parts"].apply(pd.Series)  # hot
# exempt: all at once
# below: __init__ pandas/core/frame.py
import pandas as pd

def split(frame):
    return pd.DataFrame(frame["parts"].tolist())  # hot
