# slow: rows by chained indices
import numpy

def factorise(R, P, Q, K, rate=0.002, beta=0.02):
    Q = Q.T
    for i in range(len(R)):
        for j in range(len(R[i])):
            error = R[i][j] - numpy.dot(P[i, :], Q[:, j])
            for k in range(K):
                old = P[i][k]
                P[i][k] = P[i][k] + rate * (2 * error * Q[k][j] - beta * P[i][k])
                Q[k][j] = Q[k][j] + rate * (2 * error * old - beta * Q[k][j])  # hot
    return P, Q.T
# slow: one dimension
import numpy as np

def mix(n):
    x, y = np.random.rand(n), np.linspace(0, 1, n)
    out = np.zeros(n)
    for i in range(n):
        out[i] = np.sqrt(x[i] ** 2 + y[i])  # hot
    return out
# slow: a sum, and neighbours of what is only read
import numpy as np

def steps(n):
    x = np.random.standard_normal(n)
    total = 0.0
    for i in range(1, n):
        step = x[i] - x[i - 1]
        if step > 0:
            total += step  # hot
    return total
# exempt: each depends on the one before
import numpy as np

def smooth(n, a):
    x, out = np.random.rand(n), np.zeros(n)
    for i in range(1, n):
        out[i] = a * x[i] + (1 - a) * out[i - 1]  # hot
    return out
# exempt: a name carries the state
import numpy as np

def smooth(n, a):
    x, out, state = np.random.rand(n), np.zeros(n), 0.0
    for i in range(n):
        state = a * x[i] + (1 - a) * state
        out[i] = state  # hot
    return out
# exempt: lists
def mix(n):
    x, out = [0.5] * n, [0.0] * n
    for i in range(n):
        out[i] = 2 * x[i]  # hot
    return out
# exempt: three numbers
import numpy as np

def move(n, dt):
    place, speed = np.zeros((n, 3)), np.ones((n, 3))
    for i in range(n):
        for k in range(3):
            place[i][k] = place[i][k] + dt * speed[i][k]
            speed[i][k] = speed[i][k] * 0.99  # hot
    return place
# exempt: each element is a row
import numpy as np

def scale(n, m):
    rows = np.ones((n, m))
    for i in range(n):
        rows[i] = rows[i] * 0.5  # hot
    return rows
# exempt: a function of the user's for each element
import numpy as np

def apply(n, f):
    x, out = np.random.rand(n), np.zeros(n)
    for i in range(n):
        out[i] = f(x[i])  # hot
    return out
# exempt: the index is looked up, and one place can come again
import numpy as np

def count(n, bins):
    found, total = np.random.randint(0, bins, size=n), np.zeros(bins)
    for i in range(n):
        total[found[i]] += 1.0  # hot
    return total
# exempt: it ends early
import numpy as np

def first(n, limit):
    x = np.random.rand(n)
    for i in range(n):
        if 2 * x[i] > limit:  # hot
            break
    return i
# slow: columns of a table
import numpy as np
import pandas as pd

def error(path):
    frame = pd.read_csv(path)
    x, y = frame["x"].values, frame["y"].to_numpy()
    total = 0.0
    for i in range(len(x)):
        total += (x[i] - y[i]) ** 2  # hot
    return total
# slow: weights of a layer, in an object
import numpy as np

class Layer:
    def __init__(self, n, m):
        self.w = np.random.normal(size=(n, m))
        self.gradient = np.zeros((n, m))

    def step(self, rate):
        for i in range(self.w.shape[0]):
            for j in range(self.w.shape[1]):
                self.w[i][j] -= rate * self.gradient[i][j]
                self.gradient[i][j] = 0.0  # hot
# slow: what a function is given
import numpy as np

def error(x, y):
    total = 0.0
    for i in range(len(x)):
        total += abs(x[i] - y[i])  # hot
    return total

print(error(np.random.rand(1000), np.linspace(0, 1, 1000)))
# exempt: rows of a table
import pandas as pd

def centre(path):
    rows = pd.read_csv(path)[["x", "y"]].to_numpy()
    total = 0.0
    for i in range(len(rows)):
        total += rows[i]  # hot
    return total
# exempt: the columns become lists first
import pandas as pd

def error(path):
    frame = pd.read_csv(path)
    x, y = frame["x"].tolist(), frame["y"].tolist()
    total = 0.0
    for i in range(len(x)):
        total += (x[i] - y[i]) ** 2  # hot
    return total
