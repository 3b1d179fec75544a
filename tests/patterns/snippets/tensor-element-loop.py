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
