# slow
# below: __getitem__ h5py/_hl/dataset.py, select h5py/_hl/selections.py
def rows(store, picked):
    return store["x"][picked]  # hot
# slow
# below: __getitem__ h5py/_hl/dataset.py
import h5py
import numpy as np

def rows(path, rng):
    store = h5py.File(path)
    picked = np.sort(rng)
    return store["x"][picked]  # hot
# exempt: a slice
# below: __getitem__ h5py/_hl/dataset.py
import h5py

def rows(path):
    return h5py.File(path)["x"][100:900]  # hot
