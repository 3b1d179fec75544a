# slow
# below: map_elements polars/series/series.py, <lambda> user.py
import polars as pl

def clean(frame):
    return frame["x"].map_elements(lambda v: v * 2)  # hot
# exempt: a model
# below: map_elements polars/series/series.py
# known: body=0.98
import polars as pl

def clean(frame, model):
    return frame["x"].map_elements(lambda v: model(v))  # hot
