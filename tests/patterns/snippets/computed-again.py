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
# exempt: a method of the object makes the matrix anew in each pass
import numpy as np

class Beam:
    def run(self, steps):
        for step in range(steps):
            self.assemble(step)
            self.u = np.linalg.solve(self.K, self.f)  # hot

    def assemble(self, step):
        self.K[step % 3] *= 2.0
# exempt: an object of another file changes its own matrix
import numpy as np

def run(beam, steps):
    for step in range(steps):
        beam.assemble(step)
        beam.move(np.linalg.solve(beam.K, beam.f))  # hot
# exempt: a function changes the matrix
import numpy as np

def damp(matrix):
    matrix *= 0.99

def run(K, f, steps):
    for step in range(steps):
        damp(K)
        x = np.linalg.solve(K, f)  # hot
    return x
# exempt: a function of another file is given the matrix
import numpy as np
from model import damp

def run(K, f, steps):
    for step in range(steps):
        damp(K, step)
        x = np.linalg.solve(K, f)  # hot
    return x
# exempt: numpy writes into the matrix
import numpy as np

def run(K, f, steps):
    for step in range(steps):
        np.fill_diagonal(K, step)
        x = np.linalg.solve(K, f)  # hot
    return x
# exempt: numpy writes its result into the matrix
import numpy as np

def run(K, D, f, steps):
    for step in range(steps):
        np.add(K, D, out=K)
        x = np.linalg.solve(K, f)  # hot
    return x
# exempt: torch changes the matrix in place
import torch

def run(K, f, steps):
    for step in range(steps):
        K.addcmul_(f, f)
        x = torch.linalg.solve(K, f)  # hot
    return x
# exempt: it measures how long the call takes
import time
import numpy as np

def measure(A, repeats):
    begin = time.perf_counter()
    for _ in range(repeats):
        np.linalg.inv(A)  # hot
    return (time.perf_counter() - begin) / repeats
# slow: a property of one object
# below: inv numpy/linalg/_linalg.py
# known: looped=True given=self
import numpy as np

class Gaussian:
    def __init__(self, mean, cov):
        self.mean = mean
        self.cov = cov

    @property
    def precision(self):
        return np.linalg.inv(self.cov + 1e-6 * np.eye(len(self.cov)))  # hot

    def distance(self, x):
        return (x - self.mean) @ self.precision @ (x - self.mean)
# exempt: a property that keeps what it computed
# below: inv numpy/linalg/_linalg.py
# known: looped=True given=self
from functools import cached_property
import numpy as np

class Gaussian:
    def __init__(self, cov):
        self.cov = cov

    @cached_property
    def precision(self):
        return np.linalg.inv(self.cov)  # hot
# exempt: the matrix is updated by each observation
# below: inv numpy/linalg/_linalg.py
# known: looped=True given=self
import numpy as np

class Filter:
    def __init__(self, cov):
        self.cov = cov

    @property
    def precision(self):
        return np.linalg.inv(self.cov)  # hot

    def update(self, x):
        self.cov = self.cov + np.outer(x, x)
# exempt: whoever holds the object sets its matrix
# below: inv numpy/linalg/_linalg.py
# known: looped=True given=self
import numpy as np

class Gaussian:
    def __init__(self, cov):
        self.cov = cov

    @property
    def precision(self):
        return np.linalg.inv(self.cov)  # hot

def refine(model, points):
    for x in points:
        model.cov = 0.9 * model.cov + np.outer(x, x)
        model.show(model.precision)
# slow: a set of the same words
def known(documents, vocabulary):
    for document in documents:
        words = set(vocabulary)  # hot
        yield [word for word in document if word in words]
# exempt: each pass takes something away from its own set
def missing(documents, vocabulary):
    for document in documents:
        left = set(vocabulary)  # hot
        for word in document:
            left.discard(word)
        yield left
