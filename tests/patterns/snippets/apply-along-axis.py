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
# exempt: a fit for each row
# below: apply_along_axis numpy/lib/_shape_base_impl.py
import numpy as np
from scipy.optimize import curve_fit

def fit(row):
    return curve_fit(lambda t, a: np.exp(-a * t), np.arange(len(row)), row)[0]

def fits(x):
    return np.apply_along_axis(fit, 1, x)  # hot
# exempt: a count that has no axis
# below: apply_along_axis numpy/lib/_shape_base_impl.py
import numpy as np

def counts(x):
    return np.apply_along_axis(np.bincount, 1, x, minlength=9)  # hot
# exempt: a few long rows
# below: apply_along_axis numpy/lib/_shape_base_impl.py, peak user.py, rfft numpy/fft/_pocketfft.py
# known: body=0.99
import numpy as np

def peak(row):
    return np.abs(np.fft.rfft(row)).max()

def levels(x):
    return np.apply_along_axis(peak, 1, x)  # hot
