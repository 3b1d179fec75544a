# slow
# known: cores=1.0
import os

os.environ["OMP_NUM_THREADS"] = "1"  # cause

import numpy as np

def project(points, axes):
    return points @ axes  # hot
# slow
# known: cores=1.05
import numpy as np
from threadpoolctl import threadpool_limits

threadpool_limits(limits=1)  # cause

def axes(points):
    return np.linalg.svd(points)  # hot
# exempt: several cores work
# known: cores=1.9
import os

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

def project(points, axes):
    return points @ axes  # hot
# exempt: no limit
# known: cores=1.0
import numpy as np

def axes(points):
    return np.linalg.svd(points)  # hot
# exempt: many small products
# known: cores=1.0
import os

os.environ["OMP_NUM_THREADS"] = "1"

def chain(batches, weights):
    for batch in batches:
        for weight in weights:
            batch = batch @ weight  # hot
    return batch
# exempt: each core has a process of its own
# known: cores=1.0
import os
from multiprocessing import Pool

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np

def work(a):
    return np.linalg.svd(a)  # hot

def run(parts):
    with Pool() as pool:
        pool.starmap(work, parts)
