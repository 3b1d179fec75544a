# slow
# below: __eq__ pandas/core/arraylike.py, comparison_op pandas/core/ops/array_ops.py
# known: handler=True
import pandas as pd
from flask import Flask

app = Flask(__name__)
TABLE = pd.read_csv("table.csv")

@app.get("/orders/<user>")
def orders(user):
    rows = TABLE[TABLE["user"] == user]  # hot
    return rows.to_json()
# exempt: a table of the request's
# below: comparison_op pandas/core/ops/array_ops.py
# known: handler=True
import pandas as pd

def orders(body, user):
    frame = pd.DataFrame(body)
    rows = frame[frame["user"] == user]  # hot
    return rows.to_json()
# exempt: a range
# below: comparison_op pandas/core/ops/array_ops.py
# known: handler=True
import pandas as pd

TABLE = pd.read_csv("table.csv")

def since(day):
    rows = TABLE[TABLE["day"] >= day]  # hot
    return rows.to_json()
# slow
# below: __getitem__ pandas/core/indexing.py, apply_if_callable pandas/core/common.py, eq pandas/core/series.py
# known: handler=True
import numpy as np
import pandas as pd

class Catalogue:
    def __init__(self, count):
        self.frame = pd.DataFrame({"sku": np.arange(count), "price": np.ones(count)})

    def find(self, sku):
        hit = self.frame.loc[lambda table: table["sku"].eq(sku)]  # hot
        return hit.iloc[0].to_dict()
# exempt: a range
# below: __getitem__ pandas/core/indexing.py, apply_if_callable pandas/core/common.py, between pandas/core/series.py
# known: handler=True
import numpy as np
import pandas as pd

class Catalogue:
    def __init__(self, count):
        self.frame = pd.DataFrame({"sku": np.arange(count), "price": np.ones(count)})

    def find(self, low, high):
        return self.frame.loc[lambda table: table["price"].between(low, high)]  # hot
# exempt: the table changes
# below: __getitem__ pandas/core/indexing.py, eq pandas/core/series.py
# known: handler=True
import pandas as pd

class Catalogue:
    def __init__(self):
        self.frame = pd.DataFrame({"sku": [], "price": []})

    def add(self, row):
        self.frame = pd.concat([self.frame, row])

    def find(self, sku):
        return self.frame.loc[self.frame["sku"].eq(sku)]  # hot
