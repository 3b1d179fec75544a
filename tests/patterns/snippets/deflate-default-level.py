# slow
# below: savez_compressed numpy/lib/_npyio_impl.py, write zipfile.py
import numpy as np

def store(path, x):
    np.savez_compressed(path, x=x)  # hot
# exempt: a low level
# below: write gzip.py
import gzip

def store(path, data):
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(data)  # hot
