# slow
# below: __init__ pandas/core/frame.py
# known: handler=True
import pandas as pd

def score(item):
    frame = pd.DataFrame([item.model_dump()])  # hot
    return model.predict(frame)[0]
# exempt: many rows
# below: __init__ pandas/core/frame.py
# known: handler=True
import pandas as pd

def score(items):
    frame = pd.DataFrame([item.model_dump() for item in items])  # hot
    return model.predict(frame)
# slow: what is done to the row takes the time
# below: get_dummies pandas/core/reshape/encoding.py, concat pandas/core/reshape/concat.py
# known: handler=True
import pandas as pd

class Scorer:
    def features(self, payload):
        row = pd.DataFrame([payload])  # cause
        row = pd.get_dummies(row, columns=["plan", "city"])  # hot
        return row.reindex(columns=COLUMNS).astype(float)
# exempt: the row is looked up in a large table
# below: merge pandas/core/reshape/merge.py
# known: handler=True
import pandas as pd

def features(payload):
    row = pd.DataFrame([payload])
    return pd.merge(row, CUSTOMERS, on="customer")  # hot
# exempt: another table
# below: sample pandas/core/generic.py
# known: handler=True
import pandas as pd

def features(payload):
    row = pd.DataFrame([payload])
    some = CUSTOMERS.sample(len(row))  # hot
    return row, some
