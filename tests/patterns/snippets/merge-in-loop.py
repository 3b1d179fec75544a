# slow
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
import pandas as pd

def join(paths):
    whole = pd.read_parquet(paths[0])
    for path in paths[1:]:
        whole = whole.merge(pd.read_parquet(path), on="key")  # hot
    return whole
# exempt: a new table each time
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
import pandas as pd

def join(paths, products):
    found = []
    for path in paths:
        part = pd.read_parquet(path).merge(products, on="key")  # hot
        found.append(part)
# exempt: few passes
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py
# known: passes=3
import pandas as pd

def join(whole, parts):
    for part in parts:
        whole = pd.merge(whole, part, on="key")  # hot
    return whole
# slow: a method adds to a table that the object holds
# below: merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
# known: looped=True
import pandas as pd

class Panel:
    def __init__(self):
        self.whole = None

    def add(self, part):
        if self.whole is None:
            self.whole = part
            return
        self.whole = pd.merge(self.whole, part, on="day")  # hot
# exempt: another method empties it
# below: merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
# known: looped=True
import pandas as pd

class Panel:
    def start(self, part):
        self.whole = part

    def add(self, part):
        self.whole = pd.merge(self.whole, part, on="day")  # hot
# slow: begun by the first part
# below: merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
import pandas as pd

def panel(parts):
    whole = None
    for part in parts:
        if whole is None:
            whole = part
        else:
            whole = pd.merge(whole, part, on="day")  # hot
    return whole
# slow: by reduce
# below: merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
from functools import reduce
import pandas as pd

def panel(paths):
    parts = [pd.read_parquet(path) for path in paths]
    return reduce(lambda whole, part: pd.merge(whole, part, on="day"), parts)  # hot
# slow: by reduce and a function
# below: merge pandas/core/frame.py, merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
import functools
import pandas as pd

def join(whole, part):
    return whole.merge(part, on="day", how="outer")  # hot

def panel(paths):
    return functools.reduce(join, map(pd.read_parquet, paths))
# exempt: three tables
# below: merge pandas/core/reshape/merge.py, get_result pandas/core/reshape/merge.py
from functools import reduce
import pandas as pd

def orders(orders, customers, products):
    return reduce(lambda whole, part: pd.merge(whole, part), [orders, customers, products])  # hot
