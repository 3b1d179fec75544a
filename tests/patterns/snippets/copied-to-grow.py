# slow
def rows(items):
    found = []
    for item in items:
        found = found + [item]  # hot
    return found
# slow
def index(rows):
    table = {}
    for key, row in rows:
        table = {**table, key: row}  # hot
    return table
# slow: the interpreter shows the last line of the loop
def rows(items, limit):
    found = []
    for item in items:
        if item > limit:
            continue
        found = [*found, item]  # hot
    return found
# exempt: a path of its own for each node
def paths(graph, path, goal):
    for node in graph[path[-1]]:
        longer = path + [node]  # hot
        if node == goal:
            yield longer
# exempt: it begins anew in each pass
def pairs(items):
    for item in items:
        pair = [item]
        pair = pair + [item]  # hot
        yield pair
# exempt: arrays
def sums(parts, total):
    for part in parts:
        total = total + part  # hot
    return total
# exempt: a point moves
import numpy as np

def walk(steps):
    place = np.zeros(2)
    for step in range(steps):
        place = place + [0.1, 0.2]  # hot
    return place
# exempt: each earlier version is kept
def prefixes(items):
    found, prefix = [], []
    for item in items:
        prefix = prefix + [item]  # hot
        found.append(prefix)
    return found
# slow: the state of a reducer
from functools import reduce

def step(state, action):
    kind, key, value = action
    if kind == "add":
        return {**state, key: state.get(key, 0) + value}  # hot
    return state

def replay(actions):
    return reduce(step, actions, {})
# exempt: once for each event, whose states are kept
def step(state, action):
    key, value = action
    return {**state, key: value}  # hot

def replay(store, action):
    store.states.append(step(store.states[-1], action))
