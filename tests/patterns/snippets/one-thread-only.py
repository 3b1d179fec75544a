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
