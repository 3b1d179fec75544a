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
