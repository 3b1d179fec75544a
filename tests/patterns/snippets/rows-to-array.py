# slow
import numpy as np

def points(items):
    rows = []
    for item in items:
        rows.append((item.x, item.y, item.z))
    return np.array(rows, dtype=np.float32)  # hot
# exempt: filled in place
import numpy as np

def points(items):
    out = np.empty((len(items), 3), np.float32)
    for i, item in enumerate(items):
        out[i] = item.x, item.y, item.z
    return np.asarray(out)  # hot
# slow: again and again, of rows that another method collects
# known: looped=True
import numpy as np

class Window:
    def __init__(self):
        self.rows = []

    def push(self, row):
        self.rows.append(row)

    def mean(self):
        rows = np.asarray(self.rows, dtype=np.float32)  # hot
        return rows.mean(axis=0)
# exempt: once at the end
import numpy as np

class Window:
    def __init__(self):
        self.rows = []

    def push(self, row):
        self.rows.append(row)

    def mean(self):
        rows = np.asarray(self.rows, dtype=np.float32)  # hot
        return rows.mean(axis=0)
# exempt: a new list each time
# known: looped=True
import numpy as np

class Window:
    def push(self, row):
        self.rows.append(row)

    def begin(self):
        self.rows = []

    def mean(self):
        rows = np.asarray(self.rows)  # hot
        return rows.mean(axis=0)
