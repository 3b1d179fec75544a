# slow
# below: load numpy/lib/_npyio_impl.py
import numpy as np

PATH = "table.npz"

def lookup(index):
    table = np.load(PATH)  # hot
    return table["x"][index]

total = sum(lookup(index) for index in range(100))
# exempt: another file in each pass
# below: load numpy/lib/_npyio_impl.py
import numpy as np

def parts(paths):
    return [np.load(path) for path in paths]  # hot
