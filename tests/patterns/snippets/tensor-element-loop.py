# slow
import torch

def total(n):
    table = torch.zeros(n, n)
    result = 0.0
    for i in range(n):
        for j in range(n):
            result += table[i, j]  # hot
    return result
# exempt: a list
import torch

def total(n):
    table = torch.zeros(n, n).tolist()
    result = 0.0
    for i in range(n):
        for j in range(n):
            result += table[i][j]  # hot
    return result
# slow
import torch

class Metrics:
    def update(self, target, prediction):
        for t, p in zip(target.view(-1), prediction.view(-1)):
            self.matrix[t.long(), p.long()] += 1  # hot
# slow
# below: __iter__ torch/_tensor.py
def update(matrix, target, prediction):
    for t, p in zip(target.view(-1), prediction.view(-1)):  # hot
        matrix[t.long(), p.long()] += 1
# exempt: numbers of a list
def update(matrix, target, prediction):
    for t, p in zip(target.view(-1).tolist(), prediction.view(-1).tolist()):
        matrix[t][p] += int(t.real)  # hot
# exempt: the elements of a numpy array, whatever is done with them
import numpy as np

def update(matrix, target):
    for t in np.ravel(target):
        matrix[t] += 1  # hot
# exempt: each image of a batch
def scores(images, model):
    for image in images.view(8, 3, 32, 32):
        yield model(image.float())  # hot
