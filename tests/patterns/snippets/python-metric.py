# slow
# below: pdist scipy/spatial/distance.py, _pdist_callable scipy/spatial/distance.py, overlap job.py
from scipy.spatial.distance import pdist

def distances(points, overlap):
    return pdist(points, metric=overlap)  # hot
# slow
# below: pairwise_distances sklearn/metrics/pairwise.py, _pairwise_callable sklearn/metrics/pairwise.py, overlap job.py
from sklearn.metrics import pairwise_distances

def distances(points, overlap):
    return pairwise_distances(points, metric=overlap)  # hot
# exempt: a metric by its name
# below: pdist scipy/spatial/distance.py
from scipy.spatial.distance import pdist

def distances(points):
    return pdist(points, metric="cosine")  # hot
# exempt: an alignment has no form for arrays
# below: pdist scipy/spatial/distance.py, _pdist_callable scipy/spatial/distance.py, warped job.py
import numpy as np
from scipy.spatial.distance import pdist

def warped(a, b):
    table = np.full((len(a) + 1, len(b) + 1), np.inf)
    table[0, 0] = 0.0
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1, j + 1] = abs(a[i] - b[j]) + min(table[i, j + 1], table[i + 1, j], table[i, j])
    return table[-1, -1]

def distances(points):
    return pdist(points, metric=warped)  # hot
# slow: given to the estimator, and its time shows in itself
# above: predict /site-packages/sklearn/neighbors/_classification.py
from sklearn.neighbors import KNeighborsClassifier

def distance(a, b):
    return ((a - b) ** 2).sum()  # hot

def fit(x, y):
    return KNeighborsClassifier(5, metric=distance).fit(x, y)
