# slow
# below: sum pandas/core/groupby/groupby.py, result_index pandas/core/groupby/ops.py, from_product pandas/core/indexes/multi.py
def count(frame):
    return frame.groupby(["shop", "article"]).sum()  # hot
# exempt: only what occurs
# below: sum pandas/core/groupby/groupby.py, result_index pandas/core/groupby/ops.py
def count(frame):
    return frame.groupby(["shop", "article"], observed=True).sum()  # hot
