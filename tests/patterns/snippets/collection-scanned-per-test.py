# slow
# below: values pandas/core/series.py
import pandas as pd

def new(items, path):
    frame = pd.read_csv(path)
    return [item for item in items if item not in frame["id"].values]  # hot
# slow
def new(items, known):
    for item in items:
        if item in known.values():  # hot
            continue
        yield item
# slow
def new(items, known):
    found = []
    for item in items:
        if item not in list(known.keys()):  # hot
            found.append(item)
    return found
# exempt: a dict is looked up
def new(items, known):
    return [item for item in items if item in known.keys()]  # hot
# exempt: what is searched changes
def new(items):
    seen = {}
    for item in items:
        if item.name not in list(seen.values()):  # hot
            seen[item.key] = item.name
# exempt: another function takes the time
# below: normalise mine/text.py
def new(items, known, normalise):
    return [item for item in items if normalise(item) in known.values()]  # hot
# slow: a table that comes from elsewhere, at the line that the interpreter shows
import pandas as pd

def new(items, frame):
    found = []
    for item in items:
        if item not in frame["id"].values:
            found.append(item)  # hot
    return found
