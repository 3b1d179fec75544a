# slow
# below: map_elements polars/series/series.py, <lambda> user.py
import polars as pl

def clean(frame):
    return frame["x"].map_elements(lambda v: v * 2)  # hot
# slow: the line of the function itself
import polars as pl

def label(value):
    return "high" if value > 3 else "low"  # hot

def clean(frame):
    return frame.with_columns(pl.col("x").map_elements(label, return_dtype=pl.String))
# exempt: a model
# below: map_elements polars/series/series.py
# known: body=0.98
import polars as pl

def clean(frame, model):
    return frame["x"].map_elements(lambda v: model(v))  # hot
# exempt: the function is called otherwise
import polars as pl

def label(value):
    return "high" if value > 3 else "low"  # hot

def clean(rows):
    return pl.DataFrame({"label": [label(row) for row in rows]})
# slow: the call that runs the plan
# below: with_columns polars/dataframe/frame.py, _collect_eager polars/lazyframe/frame.py, collect polars/lazyframe/engine.py
import polars as pl

def label(value):
    return "high" if value > 3 else "low"

def clean(path):
    return pl.read_csv(path).with_columns(pl.col("x").map_elements(label))  # hot
# exempt: expressions
# below: with_columns polars/dataframe/frame.py, _collect_eager polars/lazyframe/frame.py, collect polars/lazyframe/engine.py
import polars as pl

def clean(path):
    return pl.read_csv(path).with_columns(pl.col("x") * 2)  # hot
