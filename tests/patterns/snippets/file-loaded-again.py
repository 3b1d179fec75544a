# slow
# below: load numpy/lib/_npyio_impl.py
import numpy as np

PATH = "table.npz"

def lookup(index):
    table = np.load(PATH)  # hot
    return table["x"][index]

total = sum(lookup(index) for index in range(100))
# exempt: another file in each pass
# below: load numpy/lib/_npyio_impl.py
import numpy as np

def parts(paths):
    return [np.load(path) for path in paths]  # hot
# slow: a method reads its file for each item
# below: read_text pathlib.py
from pathlib import Path

class Rates:
    def __init__(self, folder):
        self.path = Path(folder) / "rates.csv"

    def rate(self, code):
        text = self.path.read_text()  # hot
        for line in text.splitlines():
            name, value = line.split(",")
            if name == code:
                return float(value)
        return 1.0

def total(orders, folder):
    rates = Rates(folder)
    return sum(amount * rates.rate(code) for code, amount in orders)
# slow: what it read is gone through for one value
from pathlib import Path

class Rates:
    def rate(self, code):
        text = self.path.read_text()
        for line in text.splitlines():  # hot
            name, value = line.split(",")  # hot
            if name == code:  # hot
                return float(value)
        return 1.0

def total(orders, rates):
    return sum(amount * rates.rate(code) for code, amount in orders)
# slow: a file object is parsed
# below: load json/__init__.py, loads json/__init__.py
import json

PATH = "limits.json"

def limit(name):
    with open(PATH) as file:
        return json.load(file)[name]  # hot

def check(rows):
    for row in rows:
        assert row.value < limit(row.name)
# slow: the condition of a comprehension asks a word list for each word
class WordLists:
    def words(self, language):
        with open(self.root / language, encoding="utf8") as file:  # hot
            return [line.strip() for line in file if not line.startswith("#")]  # hot

def meaningful(text, stopwords, language="english"):
    words = text.lower().split()
    return [word for word in words if word not in stopwords.words(language)]
# slow: in a loop
def find(keys, path):
    for key in keys:
        for line in open(path).readlines():  # hot
            if line.startswith(key):
                yield_row(line)
# slow: each item of a data set
# known: loading=True
class Rows:
    def __getitem__(self, index):
        with open(self.path) as file:
            lines = file.readlines()  # hot
        return lines[index]
# exempt: each object has a file of its own
from pathlib import Path

class Part:
    def load(self):
        return self.path.read_text().splitlines()  # hot

def total(parts):
    return sum(len(part.load()) for part in parts)
# exempt: each object has a file of its own, and another method asks for it
from pathlib import Path

class Part:
    def load(self):
        return self.path.read_text().splitlines()  # hot

    def size(self):
        return len(self.load())

def total(parts):
    return sum(part.size() for part in parts)
# exempt: another file for each name
import json

class Parts:
    def load(self, name):
        return json.load(open(self.folder / name))["rows"]  # hot

def total(parts, names):
    return sum(len(parts.load(name)) for name in names)
# exempt: once
def rows(path):
    with open(path) as file:
        return [line.strip() for line in file]  # hot

ROWS = rows("rows.txt")
# exempt: cached
import functools

@functools.cache
def words(language):
    with open("words.txt") as file:
        return file.read().split()  # hot

def count(texts):
    return sum(text in words("en") for text in texts)
# exempt: a state that the program keeps in the file
class State:
    def add(self, item):
        items = self.path.read_text().splitlines()  # hot
        self.path.write_text("\n".join([*items, item]))

def add_all(state, items):
    for item in items:
        state.add(item)
# exempt: it waits for another program
import time

def wait(path):
    while True:
        if open(path).read().startswith("done"):  # hot
            return
        time.sleep(0.1)
# exempt: a stream, once an epoch
class Rows:
    def walk(self):
        with open(self.path) as file:
            for line in file:
                yield line.split(",")  # hot

def train(rows):
    for epoch in range(10):
        for row in rows.walk():
            use(row)
# exempt: what is done with the content takes the time
class Rows:
    def fit(self, item):
        text = open(self.path).read()
        return score(text, item)  # hot

def fit_all(rows, items):
    return [rows.fit(item) for item in items]
# slow: another function wrote it before
# known: looped=True
import pickle

def build(path):
    with open(path, "wb") as file:
        pickle.dump({}, file)

def look_up(path, key):
    with open(path, "rb") as file:
        table = pickle.load(file)  # hot
    return table[key]

if __name__ == "__main__":
    path = "table.pkl"
    build(path)
    print(sum(look_up(path, key) for key in range(100)))
# exempt: written anew in each pass
# known: looped=True
import pickle

def store(path, table):
    with open(path, "wb") as file:
        pickle.dump(table, file)

def look_up(path, key):
    with open(path, "rb") as file:
        table = pickle.load(file)  # hot
    return table[key]

def run(path, tables):
    for table in tables:
        store(path, table)
        look_up(path, 1)
