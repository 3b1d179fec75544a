# slow
# below: sort_values pandas/core/frame.py, take pandas/core/generic.py
import pandas as pd

def best(path, users):
    frame = pd.read_csv(path)
    for user in users:
        ranked = frame.sort_values("score")  # hot
        yield ranked[ranked.user == user].head(10)
# slow: grouped in each pass
# below: mean pandas/core/groupby/groupby.py, _cython_agg_general pandas/core/groupby/groupby.py
import pandas as pd

def above(path, rows):
    frame = pd.read_csv(path)
    return [row for row in rows if row.x > frame.groupby("kind")["x"].mean()[row.kind]]  # hot
# slow: an array made in each pass
# below: values pandas/core/frame.py, as_array pandas/core/internals/managers.py
import pandas as pd

def windows(path, width):
    frame = pd.read_csv(path)
    for start in range(10000):
        yield frame.values[start : start + width]  # hot
# slow: for each request
# below: sort_values pandas/core/frame.py
# known: handler=True
import pandas as pd

TABLE = pd.read_csv("table.csv")

def top(count):
    return TABLE.sort_values("score").head(count).to_json()  # hot
# exempt: another column each time
# below: sort_values pandas/core/frame.py
import pandas as pd

def ranks(path, columns):
    frame = pd.read_csv(path)
    for column in columns:
        yield frame.sort_values(column).index  # hot
# exempt: another table each time
# below: sort_values pandas/core/frame.py
import pandas as pd

def read(paths):
    for path in paths:
        frame = pd.read_csv(path)
        yield frame.sort_values("time")  # hot
# exempt: the table changes
# below: sort_values pandas/core/frame.py
import pandas as pd

def schedule(path):
    jobs = pd.read_csv(path)
    while len(jobs):
        order = jobs.sort_values("start")  # hot
        jobs = jobs.drop(order.index[0])
# exempt: a function changes it
# below: sort_values pandas/core/frame.py
import pandas as pd

def work(frame):
    frame.loc[0, "load"] = 1

def schedule(path, steps):
    frame = pd.read_csv(path)
    for step in range(steps):
        order = frame.sort_values("load")  # hot
        work(frame)
# exempt: a benchmark
# below: sort_values pandas/core/frame.py
import time
import pandas as pd

def measure(path):
    frame = pd.read_csv(path)
    for _ in range(5):
        begin = time.perf_counter()
        frame.sort_values("score")  # hot
        print(time.perf_counter() - begin)
# exempt: a function of another file changes the table
# below: sort_values pandas/core/frame.py
from model import advance

def run(frame, steps):
    for step in range(steps):
        advance(frame, step)
        best = frame.sort_values("score")  # hot
    return best
# exempt: a method of the object changes the table
# below: sort_values pandas/core/frame.py
class Market:
    def run(self, steps):
        for step in range(steps):
            self.advance(step)
            self.best = self.frame.sort_values("score")  # hot

    def advance(self, step):
        self.frame.loc[step, "score"] = 0.0
