# healthy: fields of one sample
# known: loading=True
class Table:
    def __getitem__(self, i):
        return {name: torch.as_tensor(self.arrays[name][i]) for name in self.names}  # hot
# healthy: the main thread waits for a signal
# known: off_cpu=True
import time

def main(workers):
    for worker in workers:
        worker.start()
    while not stopping:
        time.sleep(1)  # hot
# healthy: a service that is starting
# known: off_cpu=True
import time
import requests

def ready(url):
    while requests.get(url + "/health").status_code != 200:
        time.sleep(0.5)  # hot
# healthy: a thread that works on
# known: off_cpu=True
import time

def watch(observer):
    while observer.is_alive():
        time.sleep(1)  # hot
# healthy: a particle filter
import numpy as np

def track(particles, observations, n):
    for z in observations:
        weights = likelihood(particles, z)
        weights = weights / weights.sum()
        particles = particles[np.random.choice(n, size=n, p=weights)]  # hot
# healthy: a policy
# known: step=True
import numpy as np

def act(policy, state):
    probabilities = policy(state)
    return np.random.choice(len(probabilities), p=probabilities)  # hot
# healthy: the input of the frozen part comes from the model that learns
# known: step=True
from torch import nn

class Perceptual(nn.Module):
    def __init__(self, vgg):
        super().__init__()
        self.vgg = vgg.requires_grad_(False)

    def forward(self, fake, real):
        return l1(self.vgg(fake), self.vgg(real))  # hot

def train(model, perceptual, loader, optimizer, epochs):
    for epoch in range(epochs):
        for x, y in loader:
            fake = model(x)
            loss = perceptual(fake, y)  # caller
            loss.backward()
            optimizer.step()
# healthy: weights that a list changes
import numpy as np

def fit(X, y, W, b, epochs, rate):
    params = [W, b]
    for _ in range(epochs):
        error = X @ W + b - y  # hot
        for p, g in zip(params, gradients(X, error)):
            p -= rate * g
# healthy: each pass needs its own set
def missing(documents, vocabulary):
    for document in documents:
        left = set(vocabulary)  # hot
        for line in document:
            left -= line.words
        yield left
# healthy: it measures
import time
import numpy as np

def measure(a, b, repeats):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        c = a @ b  # hot
        times.append(time.perf_counter() - begin)
    return times, c
# healthy: whole columns, each of its table
# below: to_datetime /site-packages/pandas/core/tools/datetimes.py
import pandas as pd

def parse(prices):
    for ticker, bars in prices.items():
        bars["date"] = pd.to_datetime(bars["date"])  # hot
# healthy: a sum of tensors
import torch

def total(weights, losses):
    for _ in range(10):
        yield sum(w * each for w, each in zip(weights, losses))  # hot
# healthy: a ranking loss
import torch

def rank(positive, negative):
    return torch.relu(1 - (positive[:, None] - negative[None, :])).mean()  # hot
# healthy: a density
import numpy as np

def density(grid, data, h):
    return np.exp(-0.5 * ((grid[:, None] - data[None, :]) / h) ** 2).sum(axis=1)  # hot
# healthy: every row is used
import sqlite3

def split(path):
    db = sqlite3.connect(path)
    rows = db.execute("select id, user, done from events").fetchall()  # hot
    return [r for r in rows if r[2]], [r for r in rows if not r[2]]
# healthy: a queue of another process
# below: get /usr/lib/python3.11/<string>, _callmethod /usr/lib/python3.11/multiprocessing/managers.py
def listen(queue, file):
    while (line := queue.get()) is not None:  # hot
        file.write(line)
# healthy: a line of JSON is appended
import json

def record(consumer):
    for message in consumer:
        event = json.loads(message.value)
        event["received"] = message.timestamp
        with open("events.jsonl", "a") as log:
            log.write(json.dumps(event) + "\n")  # hot
# healthy: a program reads the file of each pass
import json
import subprocess

def search(path, grid):
    for setting in grid:
        with open(path) as file:
            config = json.load(file)  # hot
        config.update(setting)
        with open(path, "w") as file:
            json.dump(config, file)
        subprocess.run(["solver", path], check=True)
# healthy: what is found is taken out
def hits(gold, predicted):
    unmatched = list(gold)
    for each in predicted:
        if each in unmatched:  # hot
            unmatched.remove(each)
            yield each
# healthy: four letters
def encode(sequence):
    bases = "A C G T".split()
    for base in sequence:
        yield bases.index(base)  # hot
# healthy: all vectors are used
# below: svd /site-packages/numpy/linalg/_linalg.py
import numpy as np

def whiten(x, eps):
    u, s, _ = np.linalg.svd(np.cov(x, rowvar=False))  # hot
    return u @ np.diag(1 / np.sqrt(s + eps)) @ u.T
# healthy: the rank is not known before
# below: svd /site-packages/numpy/linalg/_linalg.py
import numpy as np

def basis(x, tolerance):
    u, s, vt = np.linalg.svd(x, full_matrices=False)  # hot
    rank = int((s > tolerance * s[0]).sum())
    return u[:, :rank], vt[:rank]
# healthy: a column of polars
# below: __getitem__ /site-packages/polars/dataframe/frame.py
import polars as pl

def medians(path):
    table = pl.read_parquet(path)
    found = {}
    for name in table.columns:
        found[name] = table[name].quantile(0.5)  # hot
    return found
# healthy: objects are what is wanted
# below: iter_rows /site-packages/polars/dataframe/frame.py
import polars as pl

def orders(path):
    made = []
    for row in pl.read_parquet(path).iter_rows(named=True):  # hot
        made.append(Order(**row))
    return made
