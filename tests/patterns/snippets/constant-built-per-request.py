# slow
# known: handler=True
import json
from flask import Flask

app = Flask(__name__)
ROWS = json.load(open("rows.json"))

@app.get("/row/<key>")
def show(key):
    by_id = {row["id"]: row for row in ROWS}  # hot
    return by_id[key]
# slow
# below: <lambda> user.py
# known: handler=True
import json

ROWS = json.load(open("rows.json"))

def top(count):
    ranked = sorted(ROWS, key=lambda row: row["score"])  # hot
    return ranked[:count]
# exempt: the data change
# known: handler=True
import json

ROWS = json.load(open("rows.json"))

def add(row):
    ROWS.append(row)

def top(count):
    ranked = sorted(ROWS, key=id)  # hot
    return ranked[:count]
# exempt: of the request
# known: handler=True
import json

ROWS = json.load(open("rows.json"))

def find(low):
    return [row for row in ROWS if row["x"] > low]  # hot
# exempt: a few settings
# known: handler=True
NAMES = ["a", "b", "c"]

def names():
    return {name: len(name) for name in NAMES}  # hot
# exempt: what a store holds changes outside of the file
# known: handler=True
from store import Store

STORE = Store("redis://")

def keys():
    return sorted(STORE.keys())  # hot
