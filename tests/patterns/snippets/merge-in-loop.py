# slow
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
import pandas as pd

def join(paths):
    whole = pd.read_parquet(paths[0])
    for path in paths[1:]:
        whole = whole.merge(pd.read_parquet(path), on="key")  # hot
    return whole
# exempt: a new table each time
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
import pandas as pd

def join(paths, products):
    found = []
    for path in paths:
        part = pd.read_parquet(path).merge(products, on="key")  # hot
        found.append(part)
# exempt: few passes
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
# known: passes=3
import pandas as pd

def join(whole, parts):
    for part in parts:
        whole = pd.merge(whole, part, on="key")  # hot
    return whole
