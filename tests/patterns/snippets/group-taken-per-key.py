# slow
# below: get_group pandas/core/groupby/groupby.py, indices pandas/core/groupby/ops.py
import pandas as pd

def parts(path, keys):
    frame = pd.read_csv(path)
    for key in keys:
        yield frame.groupby("key").get_group(key)  # hot
# exempt: grouped once
# below: get_group pandas/core/groupby/groupby.py
import pandas as pd

def parts(path, keys):
    groups = pd.read_csv(path).groupby("key")
    for key in keys:
        yield groups.get_group(key)  # hot
