# slow
# below: batches train.py, augment train.py, rotate scipy/ndimage/_interpolation.py
# known: body_per_item=0.4
import jax
import numpy as np

def batches(images, order, size):
    for begin in range(0, len(order), size):
        yield np.stack([augment(images[i]) for i in order[begin : begin + size]])

def train(images, order, state):
    for batch in batches(images, order, 64):  # hot
        state = train_step(state, batch)
    return state
# exempt: the steps take most of the time
# below: batches train.py
# known: body_per_item=3.0
import jax
import numpy as np

def batches(images, order, size):
    for begin in range(0, len(order), size):
        yield images[order[begin : begin + size]]

def train(images, order, state):
    for batch in batches(images, order, 64):  # hot
        state = train_step(state, batch)
    return state
# exempt: a thread makes them already
# below: batches train.py, get python3.11/queue.py, wait python3.11/threading.py
# known: body_per_item=0.4
import jax

def batches(ready):
    while (batch := ready.get()) is not None:
        yield batch

def train(ready, state):
    for batch in batches(ready):  # hot
        state = train_step(state, batch)
    return state
# exempt: records of a stream, nothing is trained
# below: records etl.py, loads json/__init__.py
# known: body_per_item=0.4
import json

def records(lines):
    for line in lines:
        yield json.loads(line)

def total(lines):
    found = 0
    for record in records(lines):  # hot
        found += record["price"]
    return found
# exempt: a loader has its own detectors
# below: forever train.py, __next__ torch/utils/data/dataloader.py
# known: body_per_item=0.4
import torch

def forever(loader):
    while True:
        yield from loader
        yield None

def train(loader, model):
    for batch in forever(loader):  # hot
        model(batch)
