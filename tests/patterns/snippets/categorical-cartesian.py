# slow
# below: sum pandas/core/groupby/groupby.py, result_index pandas/core/groupby/ops.py, from_product pandas/core/indexes/multi.py
def count(frame):
    return frame.groupby(["shop", "article"]).sum()  # hot
# exempt: only what occurs
# below: sum pandas/core/groupby/groupby.py, result_index pandas/core/groupby/ops.py
def count(frame):
    return frame.groupby(["shop", "article"], observed=True).sum()  # hot
# slow
# below: aggregate pandas/core/groupby/generic.py, sum pandas/core/groupby/groupby.py
def weekly(sales):
    facts = (
        sales.groupby(["store", "article"], observed=False)
        .agg(units=("units", "sum"), lines=("ticket", "size"))  # hot
        .reset_index()
    )
    return facts[facts["lines"] > 0]
# exempt: the empty groups stay in the report
# below: aggregate pandas/core/groupby/generic.py, sum pandas/core/groupby/groupby.py
def weekly(sales):
    return sales.groupby(["store", "article"], observed=False).agg(units=("units", "sum"))  # hot
# slow: the caller drops the empty groups
# below: sum pandas/core/groupby/groupby.py, _cython_operation pandas/core/groupby/ops.py
KEYS = ["customer", "product"]

def rollup(frame, how):
    groups = frame.groupby(["customer", "product"], observed=False, sort=False)
    return getattr(groups["value"], how)()  # hot

def best(frame):
    total = rollup(frame, "sum")  # caller
    return total[total > 0].idxmax()
# exempt: the caller wants all groups
# below: sum pandas/core/groupby/groupby.py, _cython_operation pandas/core/groupby/ops.py
def rollup(frame, how):
    groups = frame.groupby(["customer", "product"], observed=False, sort=False)
    return getattr(groups["value"], how)()  # hot

def report(frame):
    return rollup(frame, "sum").unstack()  # caller
