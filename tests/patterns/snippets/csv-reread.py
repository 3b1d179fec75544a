# slow
# below: read_csv pandas/io/parsers/readers.py
import pandas as pd

def train(epochs):
    for epoch in range(epochs):
        frame = pd.read_csv("data.csv")  # hot
        fit(frame, epoch)
# slow: what is skipped is parsed again
# below: read_csv pandas/io/parsers/readers.py
import pandas as pd

def parts(path, rows):
    for start in range(0, rows, 1000):
        yield pd.read_csv(path, skiprows=start, nrows=1000)  # hot
# exempt: another file each time
# below: read_csv pandas/io/parsers/readers.py
import pandas as pd

def read(paths):
    return [pd.read_csv(path) for path in paths]  # hot
# exempt: it waits for news
# below: read_csv pandas/io/parsers/readers.py
import time
import pandas as pd

def follow(path):
    while True:
        show(pd.read_csv(path))  # hot
        time.sleep(5)
# slow: in a function that the loop's function calls
# below: read_csv pandas/io/parsers/readers.py
import pandas as pd

PATH = "data.csv"

def load(path, fold):
    frame = pd.read_csv(path)  # hot
    return frame[frame.fold != fold]

def train(fold):
    return fit(load(PATH, fold))

def main():
    return [train(fold) for fold in range(5)]
# exempt: the path comes with the pass, through two functions
# below: read_csv pandas/io/parsers/readers.py
import pandas as pd

def load(path):
    return pd.read_csv(path)  # hot

def train(path):
    return fit(load(path))

def main(paths):
    return [train(path) for path in paths]
# slow: the path is put together
# below: read_csv pandas/io/parsers/readers.py
# known: looped=True
import os
import pandas as pd

def rates(folder):
    return pd.read_csv(os.path.join(folder, "rates.csv"), index_col="code")["rate"]  # hot

class Converter:
    def __init__(self, folder):
        self.folder = folder

FOLDER = "data"

def convert(codes):
    return [rates(FOLDER).loc[code] for code in codes]
# slow: what is read again has a new index, too
# below: __getitem__ pandas/core/indexing.py, xs pandas/core/generic.py, get_loc pandas/core/indexes/base.py
# known: looped=True
import os
import pandas as pd

def rates(folder):
    return pd.read_csv(os.path.join(folder, "rates.csv"), index_col="code")["rate"]  # cause

class Converter:
    def __init__(self, folder):
        self.folder = folder

    def convert(self, code, amount):
        return amount * rates(self.folder).loc[code]  # hot
# exempt: another file each time
# below: __getitem__ pandas/core/indexing.py, xs pandas/core/generic.py, get_loc pandas/core/indexes/base.py
import os
import pandas as pd

def rates(folder):
    return pd.read_csv(os.path.join(folder, "rates.csv"), index_col="code")["rate"]

def convert(folders, code):
    for folder in folders:
        yield rates(folder).loc[code]  # hot
