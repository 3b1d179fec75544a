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
# exempt: a few
# known: elements=30
import numpy as np

def points(items):
    rows = []
    for item in items:
        rows.append((item.x, item.y))
    return np.array(rows)  # hot
