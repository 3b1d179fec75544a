# slow
# below: apply_along_axis numpy/lib/_shape_base_impl.py, scale user.py
import numpy as np

def scale(row):
    return row / row.sum()

def shares(x):
    return np.apply_along_axis(scale, 1, x)  # hot
# exempt: a function of that name elsewhere
# below: apply_along_axis mine/arrays.py
def shares(x, tools):
    return tools.apply_along_axis(x)  # hot
