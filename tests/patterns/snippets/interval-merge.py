# slow: a chain
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
import pandas as pd

class Ledger:
    def revenue(self, batch):
        priced = (
            batch.merge(self.prices, on="sku", how="inner")  # hot
            .loc[lambda d: (d["day"] >= d["valid_from"]) & (d["day"] < d["valid_to"])]
        )
        return (priced["qty"] * priced["price"]).sum()
# slow: a filter of its own
# below: merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
import pandas as pd

def match(events, shifts):
    pairs = pd.merge(events, shifts, on="machine")  # hot
    return pairs[(pairs.time >= pairs.begin) & (pairs.time <= pairs.end)]
# slow: a query
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
import pandas as pd

def match(events, shifts):
    return events.merge(shifts, on="machine").query("begin <= time < end")  # hot
# exempt: between two numbers
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
import pandas as pd

def match(events, machines, low, high):
    pairs = events.merge(machines, on="machine")  # hot
    return pairs[(pairs.time >= low) & (pairs.time <= high)]
# exempt: one bound
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
import pandas as pd

def late(orders, customers):
    pairs = orders.merge(customers, on="customer")  # hot
    return pairs[pairs["sent"] > pairs["promised"]]
# exempt: columns of their own, no filter
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
import pandas as pd

def flags(orders, customers):
    pairs = orders.merge(customers, on="customer")  # hot
    pairs["late"] = pairs["sent"] > pairs["promised"]
    pairs["early"] = pairs["sent"] < pairs["begun"]
    return pairs[pairs["late"]].assign(odd=lambda t: (t.sent > t.paid) & (t.sent < t.billed))
