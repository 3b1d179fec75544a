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
