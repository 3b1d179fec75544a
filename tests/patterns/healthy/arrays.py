# healthy: flushed rows
import numpy as np
class Recorder:
    def __init__(self, path):
        self.rows = []
        self.path = path
    def add(self, sample):
        self.rows.append((sample.t, sample.x, sample.y))
        if len(self.rows) >= 4096:
            self.flush()
    def flush(self):
        block = np.array(self.rows)  # hot
        np.save(self.path / f"{block[0, 0]}.npy", block)
        self.rows.clear()
def main(recorder, samples):
    for sample in samples:
        recorder.add(sample)
# healthy: Gauss-Seidel
import numpy as np
def solve(A, b, sweeps):
    A = np.array(A, dtype=float)
    x = np.zeros(len(b))
    n = len(b)
    for _ in range(sweeps):
        for i in range(n):
            x[i] += (b[i] - A[i] @ x) / A[i, i]
    return x
# healthy: images of a stack
import numpy as np
def correct(path, background, channel):
    stack = np.load(path)
    out = np.empty_like(stack)
    for t in range(len(stack)):
        out[t, channel] = stack[t, channel] - background
    return out
# healthy: images by two loops
import numpy as np
def correct(images, gains):
    images = np.asarray(images)
    out = np.empty((20, 3, 512, 512))
    for b in range(20):
        for c in range(3):
            out[b, c] = images[b, c] * gains[c]
    return out
# healthy: kalman
# known: given=self
import numpy as np
class Filter:
    def __init__(self, size):
        self.cov = np.eye(size)
        self.mean = np.zeros(size)
    def predict(self, F, Q):
        np.matmul(F @ self.cov, F.T, out=self.cov)
        self.cov += Q
    def gain(self, H):
        return np.linalg.inv(self.cov)  # hot
def main(filter, steps):
    for F, Q, H in steps:
        filter.predict(F, Q)
        filter.gain(H)
# healthy: another's state
# known: given=self
import numpy as np
class Whitener:
    def __init__(self, stats):
        self.stats = stats
    def __call__(self, x):
        values, vectors = np.linalg.eigh(self.stats.cov)  # hot
        return x @ vectors
def main(stats, whitener, batches):
    for batch in batches:
        stats.update(batch)
        whitener(batch)
# healthy: double tensors
# known: step=True device=cuda
import torch
def energy(kinetic, magnetic, planets):
    total = kinetic.double() + magnetic.to(torch.float64)
    return total.sum() + planets.double().sum()
# healthy: the first close pair
from itertools import combinations
from scipy.spatial import distance
def first_close(points, radius):
    for a, b in combinations(points, 2):
        if distance.euclidean(a, b) < radius:
            return a, b
    return None
# healthy: an optimizer of a simulation
from scipy.optimize import fmin_l_bfgs_b
def cost(x):
    state = 0.0
    for step in range(1000):
        state = state + x[0] * (x[1] - state) if state < x[2] else state - x[3]
    return (state - 1.0) ** 2
def main():
    return fmin_l_bfgs_b(cost, [1, 1, 1, 1], approx_grad=True)
# healthy: coordinate descent
import numpy as np
def lasso(X, y, lam, sweeps):
    X = np.asarray(X)
    n, p = X.shape
    w = np.zeros(p)
    residual = y.copy()
    norms = np.zeros(p)
    for j in range(p):
        norms[j] = X[:, j] @ X[:, j]
    for _ in range(sweeps):
        for j in range(p):
            rho = X[:, j] @ residual + norms[j] * w[j]
            new = np.sign(rho) * max(abs(rho) - lam, 0) / norms[j]
            residual += X[:, j] * (w[j] - new)
            w[j] = new
    return w
# healthy: dynamic programming
import numpy as np
def align(a, b, cost):
    D = np.zeros((len(a) + 1, len(b) + 1))
    cost = np.asarray(cost)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            D[i, j] = cost[i - 1, j - 1] + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D
# healthy: Metropolis
import numpy as np
import random
def sweep(spins, beta):
    spins = np.ones((64, 64))
    n = 64
    for _ in range(n * n):
        i, j = random.randrange(n), random.randrange(n)
        near = spins[(i + 1) % n, j] + spins[i - 1, j] + spins[i, (j + 1) % n] + spins[i, j - 1]
        change = 2 * spins[i, j] * near
        if change < 0 or random.random() < np.exp(-beta * change):
            spins[i, j] *= -1
# healthy: time stepping
import numpy as np
def simulate(n, dt):
    x = np.zeros(n)
    v = np.zeros(n)
    for t in range(1, n):
        v[t] = v[t - 1] - dt * x[t - 1]
        x[t] = x[t - 1] + dt * v[t]
    return x
# healthy: thomas
import numpy as np
def thomas(a, b, c, d):
    n = len(d)
    cp, dp, x = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return x
# healthy: kmeans
import numpy as np
def kmeans(X, k, rounds):
    centres = X[:k].copy()
    for _ in range(rounds):
        labels = ((X[:, None] - centres) ** 2).sum(-1).argmin(1)
        for j in range(k):
            centres[j] = X[labels == j].mean(axis=0)
    return centres
# healthy: power iteration
import numpy as np
def power(A, rounds):
    x = np.ones(len(A))
    for _ in range(rounds):
        x = np.linalg.solve(A, x)
        x /= np.linalg.norm(x)
    return x
# healthy: gradient on its own weights
# known: given=self
import numpy as np
class Model:
    def __init__(self, n):
        self.w = np.zeros(n)
    def step(self, x, y):
        self.w -= 0.1 * x * (x @ self.w - y)
        return self.penalty()
    def penalty(self):
        return np.linalg.norm(self.w)  # hot
def main(model, rows):
    for x, y in rows:
        model.step(x, y)
# healthy: distance to a growing tree
import numpy as np
from scipy.spatial import distance
def rrt(start, goals):
    nodes = [start]
    for goal in goals:
        near = min(nodes, key=lambda each: distance.euclidean(each, goal))
        nodes.append(near + 0.1 * (goal - near))
    return nodes
