# slow
# below: __next__ /site-packages/pandas/io/parsers/readers.py
import pandas as pd

def total(path):
    total = 0
    for chunk in pd.read_csv(path, chunksize=100):  # hot
        total += chunk["x"].sum()
    return total
# slow: the reader has a name, and the time is in the body
# below: concat /site-packages/pandas/core/reshape/concat.py
import pandas as pd

ROWS = 500

def clean(path):
    reader = pd.read_csv(path, chunksize=ROWS)  # cause
    for chunk in reader:
        use(pd.concat([chunk, chunk]))  # hot
# exempt: large chunks
# below: __next__ /site-packages/pandas/io/parsers/readers.py
import pandas as pd

def total(path):
    for chunk in pd.read_csv(path, chunksize=100_000):  # hot
        use(chunk)
