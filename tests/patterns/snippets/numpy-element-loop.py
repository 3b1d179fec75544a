# slow
import numpy as np

def total(n, m):
    grid = np.zeros((n, m))
    result = 0.0
    for i in range(n):
        for j in range(m):
            result += grid[i, j]  # hot
    return result
# slow: vectorize is a loop
# below: __call__ numpy/lib/_function_base_impl.py, _vectorize_call numpy/lib/_function_base_impl.py
import numpy as np

def apply(f, x):
    return np.vectorize(f)(x)  # hot
# exempt: each depends on the one before
import numpy as np

def spread(n, m):
    grid = np.zeros((n, m))
    for i in range(1, n):
        for j in range(1, m):
            grid[i, j] = 0.5 * (grid[i - 1, j] + grid[i, j - 1])  # hot
# exempt: lists
import numpy as np

def total(n, m):
    grid = np.zeros((n, m)).tolist()
    result = 0.0
    for i in range(n):
        for j in range(m):
            result += grid[i][j]  # hot
    return result
# slow: a test of one element
import numpy as np

def count(path, limit):
    values = np.load(path)
    high = 0
    for i in range(len(values)):
        if values[i] > limit:  # hot
            high += 1
    return high
# exempt: a list
def count(values, limit):
    values = values.tolist()
    high = 0
    for i in range(len(values)):
        if values[i] > limit:  # hot
            high += 1
    return high
