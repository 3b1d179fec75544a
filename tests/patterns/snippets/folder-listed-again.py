# slow
import os

def missing(names, folder):
    for name in names:
        if name not in os.listdir(folder):  # hot
            yield name
# slow
# below: glob glob.py, _iglob glob.py, _listdir glob.py
import glob
import os

FOLDER = "images"

def path_of(number):
    paths = sorted(glob.glob(os.path.join(FOLDER, "*.png")))  # hot
    return paths[number]

def paths(count):
    return [path_of(number) for number in range(count)]
# exempt: another folder each time
import os

def count(folders):
    return {folder: len(os.listdir(folder)) for folder in folders}  # hot
# exempt: it waits for files
import os
import time

def wait(folder, count):
    while True:
        names = os.listdir(folder)  # hot
        if len(names) >= count:
            return names
        time.sleep(1)
# exempt: the passes remove and write files
import glob
import os

def train(model, epochs):
    for epoch in range(epochs):
        model.save(f"checkpoints/{epoch}.pt")
        kept = sorted(glob.glob("checkpoints/*.pt"))  # hot
        os.remove(kept[0])
# exempt: a request asks what is there now
# known: handler=True
import os

FOLDER = "uploads"

def listing():
    names = os.listdir(FOLDER)  # hot
    return sorted(names)
# slow: another pattern, the same folder
# below: glob pathlib.py, _select_from pathlib.py
# known: looped=True given=self
from pathlib import Path

class Cache:
    def __init__(self, root):
        self.root = Path(root)

    def latest(self, key):
        return sorted(path.name for path in self.root.glob(f"{key}_v*.txt"))[-1]  # hot

def paths(cache, keys):
    return [cache.latest(key) for key in keys]  # caller
# exempt: each pass writes to the folder
# below: glob pathlib.py, _select_from pathlib.py
# known: looped=True given=self
from pathlib import Path

class Cache:
    def __init__(self, root):
        self.root = Path(root)

    def latest(self, key):
        return sorted(path.name for path in self.root.glob(f"{key}_v*.txt"))[-1]  # hot

    def put(self, key, text):
        (self.root / key).write_text(text)

def renew(cache, keys):
    for key in keys:
        cache.put(key, cache.latest(key))  # caller
