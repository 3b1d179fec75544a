# slow
# below: norm numpy/linalg/_linalg.py
import numpy as np

def nearest(points, centres):
    found = []
    for point in points:
        found.append(np.argmin([np.linalg.norm(point - centre) for centre in centres]))  # hot
    return found
# slow
# below: cosine scipy/spatial/distance.py, correlation scipy/spatial/distance.py
from scipy.spatial import distance

def table(rows):
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            yield distance.cosine(rows[i], rows[j])  # hot
# slow
import math

def table(rows):
    return [[math.dist(a, b) for b in rows] for a in rows]  # hot
# exempt: one vector after another
# below: norm numpy/linalg/_linalg.py
import numpy as np

def lengths(batches):
    for batch in batches:
        for row in batch:
            yield np.linalg.norm(row)  # hot
# exempt: each against one
# below: norm numpy/linalg/_linalg.py
import numpy as np

def converge(x, step):
    while True:
        new = step(x)
        if np.linalg.norm(new - x) < 1e-6:  # hot
            return new
        x = new
# exempt: all at once
# below: cdist scipy/spatial/distance.py
from scipy.spatial.distance import cdist

def blocks(parts):
    return [[cdist(a, b) for b in parts] for a in parts]  # hot
# exempt: the edges of a graph
import math

def length(graph, places):
    total = 0.0
    for one, others in graph.items():
        for other in others:
            total += math.dist(places[one], places[other])  # hot
    return total
# slow
# below: cosine scipy/spatial/distance.py, correlation scipy/spatial/distance.py
from itertools import combinations
from scipy.spatial import distance

class Duplicates:
    def __init__(self, metric=distance.cosine):
        self.metric = metric

    def pairs(self, named):
        return {
            (a, b): d
            for (a, u), (b, v) in combinations(named.items(), 2)
            if (d := self.metric(u, v)) < 0.1  # hot
        }

found = Duplicates().pairs({})
# exempt: neighbours in a list, not all pairs
# below: cosine scipy/spatial/distance.py, correlation scipy/spatial/distance.py
from itertools import pairwise
from scipy.spatial import distance

def steps(path):
    return [distance.cosine(a, b) for a, b in pairwise(path)]  # hot
