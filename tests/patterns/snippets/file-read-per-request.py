# slow
# below: load json/__init__.py, loads json/__init__.py
# known: handler=True
import json
from flask import Flask

app = Flask(__name__)

@app.get("/price/<name>")
def price(name):
    with open("prices.json") as file:
        table = json.load(file)  # hot
    return table[name]
# slow
# below: read_csv pandas/io/parsers/readers.py
# known: handler=True
import os
import pandas as pd

HERE = os.path.dirname(__file__)

def rows(key):
    path = os.path.join(HERE, "rows.csv")
    frame = pd.read_csv(path)  # hot
    return frame[frame.key == key].to_dict("records")
# exempt: another file for each request
# below: read_csv pandas/io/parsers/readers.py
# known: handler=True
import pandas as pd

def rows(name):
    return pd.read_csv(f"data/{name}.csv").to_dict("records")  # hot
# exempt: only when it has changed
# below: load json/__init__.py
# known: handler=True
import json
import os

def table(state):
    if os.path.getmtime("table.json") > state.read:
        with open("table.json") as file:
            state.table = json.load(file)  # hot
    return state.table
# exempt: cached
# below: load json/__init__.py
# known: handler=True
import functools
import json

@functools.cache
def table():
    with open("table.json") as file:
        return json.load(file)  # hot
# exempt: at start-up
# below: load json/__init__.py
import json

TABLE = json.load(open("table.json"))  # hot
# exempt: another request writes the file
# below: load json/__init__.py
# known: handler=True
import json
from pathlib import Path

PATH = Path("state.json")

def save(state):
    PATH.write_text(json.dumps(state))

def show():
    return json.loads(PATH.read_text())["count"]

def table():
    with open(PATH) as file:
        return json.load(file)  # hot
# exempt: another request writes the file by its name
# below: load json/__init__.py
# known: handler=True
import json

def save(state):
    with open("state.json", "w") as file:
        json.dump(state, file)

def table():
    with open("state.json") as file:
        return json.load(file)  # hot
