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
