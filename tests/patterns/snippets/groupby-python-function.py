# slow
# below: apply pandas/core/groupby/groupby.py, apply_groupwise pandas/core/groupby/ops.py
def spread(frame):
    return frame.groupby("user")["amount"].apply(lambda part: part.max() - part.min())  # hot
# exempt: a model for each group
# below: apply pandas/core/groupby/groupby.py, apply_groupwise pandas/core/groupby/ops.py
# known: body=0.93
def fit_group(part):
    return part

def models(frame):
    return frame.groupby("shop").apply(fit_group)  # hot
# exempt: built in
# below: agg pandas/core/groupby/generic.py
def spread(frame):
    return frame.groupby("user")["amount"].agg("mean")  # hot
# slow: in a pivot table
import pandas as pd

def spread(frame):
    return frame.pivot_table(index="user", columns="month", values="amount", aggfunc=lambda s: s.max() - s.min())  # hot
# exempt: by name
import pandas as pd

def mean(frame):
    return frame.pivot_table(index="user", columns="month", values="amount", aggfunc="mean")  # hot
