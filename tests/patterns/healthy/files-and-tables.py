# healthy samples are stored without chunks
# below: __getitem__ h5py/_hl/dataset.py
# known: loading=True off_cpu=False seconds_each=0.002
import h5py
from torch.utils.data import DataLoader, Dataset

def prepare(x):
    with h5py.File("train.h5", "w") as store:
        store.create_dataset("x", data=x)

class Samples(Dataset):
    def __init__(self):
        self.x = h5py.File("train.h5", "r")["x"]

    def __getitem__(self, i):
        return self.x[i]  # hot

loader = DataLoader(Samples(), batch_size=32, shuffle=True)
# healthy what the kernel tells is read anew
import time

def watch(log, seconds):
    for second in range(seconds):
        with open("/proc/self/statm") as file:  # hot
            log.append(file.read().split()[1])
# healthy each pass begins with an empty database
import sqlite3

def check(cases):
    for case in cases:
        db = sqlite3.connect(":memory:")  # hot
        case(db)
        db.close()
# healthy the state is written anew
import json

def run(items):
    state = {}
    for item in items:
        state[item.id] = item.work()
        with open("state.json", "w") as file:  # hot
            json.dump(state, file)
# healthy each query reads another file
# known: off_cpu=False share=0.9 passes=40
import duckdb

def totals(paths):
    db = duckdb.connect()
    found = {}
    for path in paths:
        found[path] = db.execute(f"select user, sum(n) from read_parquet('{path}') group by user").fetchall()  # hot
    return found
# healthy a table each
# known: off_cpu=False share=0.9 passes=40
import sqlite3

def counts(path, tables):
    db = sqlite3.connect(path)
    return {name: db.execute(f"select count(*) from {name}").fetchone() for name in tables}  # hot
# healthy the list changes while the server runs
# known: handler=True
from fastapi import FastAPI

app = FastAPI()
ORDERS = {}

@app.post("/orders")
def add(order: dict):
    ORDERS[order["id"]] = order

@app.get("/orders")
def show():
    return sorted(ORDERS.values(), key=lambda order: order["at"])  # hot
# healthy another thread sets it
# known: handler=True
from flask import Flask

app = Flask(__name__)
ROWS = []

def refresh():
    global ROWS
    ROWS = load()

@app.get("/rows")
def show():
    return {row["id"]: row for row in ROWS}  # hot
# healthy a store of another module
# known: handler=True
from flask import Flask
from store import orders

app = Flask(__name__)

@app.get("/orders")
def show():
    return sorted(orders, key=lambda order: order.at)  # hot
# healthy the columns are needed by name
# known: handler=True
# below: __init__ pandas/core/frame.py
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

MODEL = Pipeline([("columns", ColumnTransformer(PARTS)), ("model", KIND)]).fit(TABLE, TARGET)

def predict(item):
    row = pd.DataFrame([item.dict()])  # hot
    return float(MODEL.predict(row)[0])
