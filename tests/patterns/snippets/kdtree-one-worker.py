# slow
# known: cores=1.0
from scipy.spatial import cKDTree

def nearest(stations, points):
    tree = cKDTree(stations)
    return tree.query(points, k=8)[1]  # hot
# slow: in chunks
# known: cores=1.0
from scipy.spatial import cKDTree

def nearest(stations, points):
    tree = cKDTree(stations)
    return [tree.query(points[start : start + 50_000])[1] for start in range(0, len(points), 50_000)]  # hot
# slow: the compiled query calls numpy
# known: cores=1.0
# below: reshape numpy/_core/fromnumeric.py, _wrapfunc numpy/_core/fromnumeric.py
from scipy.spatial import cKDTree

def nearest(stations, points):
    tree = cKDTree(stations)
    distances, indices = tree.query(points, k=8)  # hot
    return indices
# exempt: workers are set
# known: cores=1.0
from scipy.spatial import cKDTree

def nearest(stations, points):
    tree = cKDTree(stations)
    return tree.query(points, k=8, workers=-1)[1]  # hot
# exempt: one point at a time
# known: cores=1.0
from scipy.spatial import cKDTree

def nearest(stations, points):
    tree = cKDTree(stations)
    return [tree.query(point)[1] for point in points]  # hot
# exempt: a process of a pool
# known: cores=1.0
# above: worker multiprocessing/pool.py, mapstar multiprocessing/pool.py
from scipy.spatial import cKDTree

def nearest(stations, points):
    tree = cKDTree(stations)
    return tree.query(points, k=8)[1]  # hot
