# slow: a product that does not change, before one that does
import numpy as np

def power(A, B, v, passes):
    for _ in range(passes):
        v = (A @ B) @ v  # hot
        v = v / np.linalg.norm(v)
    return v
# slow: the normal equations of each penalty
import numpy as np

def ridge(X, y, penalties):
    found = []
    for penalty in penalties:
        gram = X.T @ X  # hot
        found.append(np.linalg.solve(gram + penalty * np.eye(len(gram)), X.T @ y))
    return found
# exempt: the product of a matrix that grows
import numpy as np

def chain(A, B, passes):
    for _ in range(passes):
        A = A @ B  # hot
    return A
# exempt: an optimizer changes the weights
import torch

def fit(weights, inputs, targets, optimizer):
    for _ in range(1000):
        predicted = inputs @ weights  # hot
        loss = (predicted - targets).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
