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
# slow: a method of an object of the module, of data of the module
# below: transform /site-packages/sklearn/feature_extraction/text.py
# known: handler=True
from fastapi import FastAPI
from sklearn.feature_extraction.text import TfidfVectorizer

app = FastAPI()
texts = open("texts.txt").read().splitlines()
vectorizer = TfidfVectorizer().fit(texts)


@app.get("/find")
def find(q: str):
    matrix = vectorizer.transform(texts)  # hot
    return matrix @ vectorizer.transform([q]).T
# exempt: of the request
# below: transform /site-packages/sklearn/feature_extraction/text.py
# known: handler=True
from fastapi import FastAPI
from sklearn.feature_extraction.text import TfidfVectorizer

app = FastAPI()
texts = open("texts.txt").read().splitlines()
vectorizer = TfidfVectorizer().fit(texts)


@app.get("/find")
def find(q: str):
    return vectorizer.transform([q])  # hot
