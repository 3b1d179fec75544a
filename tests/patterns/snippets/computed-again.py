# slow
import numpy as np

def solve(A, sides):
    found = []
    for b in sides:
        found.append(np.linalg.inv(A) @ b)  # hot
    return found
# slow
import numpy as np

def ranks(values, wanted):
    out = []
    for q in wanted:
        order = np.sort(values)  # hot
        out.append(order[int(q * len(order))])
    return out
# exempt: another matrix in each pass
import numpy as np

def solve(matrices, b):
    return [np.linalg.inv(A) @ b for A in matrices]  # hot
# exempt: the matrix is changed in place
import numpy as np

def relax(A, b, passes):
    for step in range(passes):
        x = np.linalg.solve(A, b)  # hot
        A[0] += x
    return x
# exempt: what is sorted comes from a call
import numpy as np

def draw(rng, passes):
    for step in range(passes):
        values = np.sort(rng.normal(size=10))  # hot
    return values
