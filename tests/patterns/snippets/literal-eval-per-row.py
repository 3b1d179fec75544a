# slow
# below: apply pandas/core/series.py, apply_standard pandas/core/apply.py, map_array pandas/core/algorithms.py, literal_eval ast.py, parse ast.py
import ast
import pandas as pd

def read(path):
    frame = pd.read_csv(path)
    frame["tags"] = frame["tags"].apply(ast.literal_eval)  # hot
    return frame
# slow: as a converter
# below: read_csv pandas/io/parsers/readers.py, _read pandas/io/parsers/readers.py, literal_eval ast.py
import ast
import pandas as pd

def read(path):
    return pd.read_csv(path, converters={"tags": ast.literal_eval})  # hot
# slow
import csv

def read(path):
    with open(path) as file:
        for row in csv.DictReader(file):
            yield eval(row["tags"])  # hot
# exempt: once
# below: literal_eval ast.py, parse ast.py
import ast

def settings(text):
    return ast.literal_eval(text)  # hot
# exempt: the same text again, of which the result is awaited
def watch(expression, data):
    for value in data:
        yield eval(expression, {"x": value})  # hot
# exempt: rules that were compiled once
def hits(rules, data):
    return [rule for rule in rules if eval(rule.code, {"x": data})]  # hot
# exempt: compiled expressions
def values(texts):
    found = []
    for text in texts:
        code = compile(text, "rule", "eval")
        found.append(eval(code))  # hot
    return found
