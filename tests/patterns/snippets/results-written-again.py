# slow
# below: dump json/__init__.py, _iterencode json/encoder.py
import json

def sweep(grid, path):
    results = []
    for setting in grid:
        results.append(evaluate(setting))
        with open(path, "w") as file:
            json.dump(results, file, indent=2)  # hot
# slow: as a table
# below: to_csv pandas/core/generic.py
import pandas as pd

def crawl(pages):
    rows = []
    for page in pages:
        rows.append(parse(page))
        pd.DataFrame(rows).to_csv("pages.csv", index=False)  # hot
# exempt: once, at the end
import pickle

def sweep(grid, path):
    results = []
    for setting in grid:
        results.append(evaluate(setting))
    with open(path, "wb") as file:
        pickle.dump(results, file)  # hot
# exempt: now and then
import pickle

def sweep(grid, path):
    results = []
    for i, setting in enumerate(grid):
        results.append(evaluate(setting))
        if i % 100 == 0:
            with open(path, "wb") as file:
                pickle.dump(results, file)  # hot
# exempt: a file for each
import pickle

def export(groups):
    for name, rows in groups:
        lines = []
        for row in rows:
            lines.append(row)
        with open(f"{name}.json", "wb") as file:
            pickle.dump(lines, file)  # hot
# slow: read, changed and written as a whole
import json

def update(path, items):
    for item in items:
        with open(path) as file:
            state = json.load(file)  # hot
        state[item["key"]] = item
        with open(path, "w") as file:
            json.dump(state, file)  # hot
# exempt: another file in each pass
import json

def stamp(paths, date):
    for path in paths:
        with open(path) as file:
            state = json.load(file)  # hot
        state["date"] = date
        with open(path, "w") as file:
            json.dump(state, file)  # hot
