# slow
import numpy as np
from scipy.ndimage import generic_filter

def deviation(image):
    return generic_filter(image, np.std, size=5)  # hot
# exempt: a filter in C
from scipy.ndimage import uniform_filter

def mean(image):
    return uniform_filter(image, size=5)  # hot
