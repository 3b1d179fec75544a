# slow
# known: growing=True
# below: mean numpy/_core/fromnumeric.py, _mean numpy/_core/_methods.py
import numpy as np
def train(batches, state):
    losses = []
    for batch in batches:
        state, loss = step(state, batch)
        losses.append(loss)
        print(np.mean(losses))  # hot
# slow
# known: growing=True
def best(rows):
    seen = []
    for row in rows:
        seen.append(score(row))
        top = max(seen)  # hot
# slow
# known: growing=True
import json
class Log:
    def run(self, events):
        for event in events:
            self.events.append(event)
            text = json.dumps(self.events)  # hot
# exempt: it does not get slower
# known: growing=False
def best(rows):
    seen = []
    for row in rows:
        seen.append(score(row))
        top = max(seen)  # hot
# exempt: a window
# known: growing=True
import numpy as np
def train(batches, state):
    losses = []
    for batch in batches:
        losses.append(step(state, batch))
        mean = np.mean(losses)  # hot
        losses = losses[-100:]
# exempt: begun anew
# known: growing=True
def best(groups):
    for group in groups:
        seen = []
        for row in group:
            seen.append(row)
            top = max(seen)  # hot
# exempt: only the end of it
# known: growing=True
import numpy as np
def train(batches, state):
    losses = []
    for batch in batches:
        losses.append(step(state, batch))
        mean = np.mean(losses[-100:])  # hot
# slow: a history that an object holds
class Monitor:
    def __init__(self):
        self.history = []

    def log(self, value):
        self.history.append(value)
        return self.report()  # caller

    def report(self):
        mean = sum(self.history) / len(self.history)  # hot
        return {"mean": mean}

def descend(monitor, steps):
    for step in range(steps):
        monitor.log(step * step)  # caller
# slow: a generator goes through it
class Monitor:
    def __init__(self):
        self.history = []

    def log(self, value):
        self.history.append(value)
        return sum(each ** 2 for each in self.history)  # hot

def descend(monitor, steps):
    for step in range(steps):
        monitor.log(step * step)  # caller
# exempt: it is cut to a window
class Monitor:
    def __init__(self):
        self.history = []

    def log(self, value):
        self.history.append(value)
        if len(self.history) > 100:
            self.history.pop(0)
        return sum(self.history) / len(self.history)  # hot

def descend(monitor, steps):
    for step in range(steps):
        monitor.log(step * step)  # caller
# exempt: it is filled first, and asked afterwards
class Table:
    def __init__(self):
        self.rows = []

    def add(self, row):
        self.rows.append(row)

    def total(self):
        return sum(self.rows)  # hot

def main(table, days):
    for day in days:
        table.total()  # caller
