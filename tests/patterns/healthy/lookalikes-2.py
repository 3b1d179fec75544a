# healthy parsed from another text each time
import xml.etree.ElementTree as ET

def totals(texts):
    return [ET.fromstring(text).find("total").text for text in texts]  # hot
# healthy an answer from the database of each request
# known: handler=True off_cpu=True
from fastapi import FastAPI

app = FastAPI()

@app.get("/orders/{key}")
def show(key: int):
    return session.execute("select * from orders where id = :key", {"key": key}).fetchone()  # hot
# healthy a page whose data change
# known: handler=True
import json
from pathlib import Path
from flask import Flask

app = Flask(__name__)

@app.get("/pages/<name>")
def page(name):
    return json.loads(Path("pages", f"{name}.json").read_text())  # hot
# healthy random rows of the training's own choice
# known: step=True
import numpy as np

def batches(x, size, rng):
    order = rng.permutation(len(x))
    for begin in range(0, len(x), size):
        yield x[order[begin : begin + size]]  # hot
# healthy few workers: each waits for its network
# known: off_cpu=True workers_busy=0.1 cores=0.1
from concurrent.futures import ProcessPoolExecutor

import requests

def size(url):
    return len(requests.get(url).content)

def sizes(urls):
    with ProcessPoolExecutor(16) as pool:
        return list(pool.map(size, urls))  # hot
# healthy the model runs once per request, for one input
# below: _wrapped_call_impl torch/nn/modules/module.py, _call_impl torch/nn/modules/module.py
# known: handler=True
import torch
from fastapi import FastAPI

app = FastAPI()

@app.post("/score")
@torch.inference_mode()
def score(body: dict):
    for part in body["parts"]:
        yield model(torch.tensor(part).unsqueeze(0))  # hot
# healthy a plain def runs in the server's threads
# known: handler=True off_cpu=True seconds_each=0.3
import requests
from fastapi import FastAPI

app = FastAPI()

@app.get("/rate")
def rate():
    return requests.get(RATES).json()  # hot
# healthy the counts of a segment
import torch
import torch.nn.functional as F

def counts(labels, values):
    return F.one_hot(labels, 10).T.float() @ values  # hot
# healthy soft labels
import torch
import torch.nn.functional as F

def mix(labels, centers):
    targets = 0.9 * F.one_hot(labels, 10).float() + 0.01
    return targets @ centers  # hot
# healthy a device answers in turn
# known: waiting=0.9 off_cpu=True
import serial

port = serial.Serial("/dev/ttyUSB0")

def read(registers):
    return [port.query(register) for register in registers]  # hot
# healthy each page depends on the last one
# known: off_cpu=True
async def pages(client, count):
    cursor = None
    found = []
    for _ in range(count):
        answer = await client.get("/items", params={"cursor": cursor})  # hot
        cursor = answer.json()["next"]
        found.append(answer)
    return found
# healthy a session that logs in and goes on
# known: off_cpu=True
async def tour(page, links):
    for link in links:
        await page.goto(link)  # hot
        await page.screenshot(path=link.name)
# healthy transactions in the order of the ledger
# known: off_cpu=True
async def apply(ledger, entries):
    async with ledger.transaction():
        for entry in entries:
            await ledger.post(entry)  # hot
# healthy what it makes is not known before
# known: waiting=0.9 off_cpu=True
import requests

session = requests.Session()

def walk(root):
    todo, found = [root], []
    for url in todo:
        page = session.get(url).json()  # hot
        todo.extend(page["links"])
        found.append(page)
    return found
# healthy one connection per process
# known: handler=True off_cpu=True
import sqlite3
from functools import cache

@cache
def connection():
    return sqlite3.connect("app.db")  # hot
# healthy a table that requests change
# known: handler=True
import pandas as pd
from fastapi import FastAPI

app = FastAPI()
FRAME = pd.DataFrame(columns=["id", "n"])

@app.post("/add")
def add(row: dict):
    global FRAME
    FRAME = pd.concat([FRAME, pd.DataFrame(row)])

@app.get("/rows/{key}")
def rows(key: str):
    return FRAME[FRAME["id"] == key].to_numpy()  # hot
# healthy documents of each their own
# known: passes=500
from bs4 import BeautifulSoup

def titles(pages):
    found = []
    for page in pages:
        soup = BeautifulSoup(page, "lxml")
        found.append(soup.select_one("h1.title").text)  # hot
    return found
# healthy deterministic draws per request are few
# known: handler=True seconds_each=0.0001
import torch

def answer(x):
    return {"scores": model(x).tolist()}  # hot
# healthy workers that are busy
# known: off_cpu=True workers_busy=0.95
from multiprocessing import Pool

def convert(paths):
    with Pool(4) as pool:
        return list(pool.imap(resize, paths))  # hot
# healthy a scaler for a run that may be float16
# below: scale torch/amp/grad_scaler.py
import torch

def train(model, loader, dtype):
    scaler = torch.amp.GradScaler()
    for x in loader:
        with torch.autocast("cuda", dtype=dtype):
            loss = model(x).mean()
        scaler.scale(loss).backward()  # hot
# healthy the pool restarts its workers to free memory
# known: off_cpu=True
from multiprocessing import Pool

def months(files):
    for month in files:
        with Pool(4) as pool:
            pool.map(load, month)  # hot
# healthy a search by dichotomy
# known: off_cpu=True
from concurrent.futures import ProcessPoolExecutor

def search(low, high):
    with ProcessPoolExecutor(1) as pool:
        while high - low > 1:
            middle = (low + high) // 2
            if pool.submit(fits, middle).result():  # hot
                low = middle
            else:
                high = middle
    return low
# healthy each configuration compiles its own step
# below: cache_miss jax/_src/pjit.py, _python_pjit_helper jax/_src/pjit.py
# known: passes=400
import jax

def search(sizes, batches):
    found = {}
    for size in sizes:
        step = jax.jit(lambda state, batch: update(state, batch, size))
        state = init(size)
        for batch in batches:
            state = step(state, batch)  # hot
        found[size] = state
    return found
