# slow
import numpy as np

def smooth(signal):
    kernel = np.ones(5000) / 5000
    return np.convolve(signal, kernel, mode="same")  # hot
# slow: in two dimensions
import numpy as np
from scipy.signal import convolve2d

SIZE = 41
KERNEL = np.ones((SIZE, SIZE)) / SIZE**2

def blur(images):
    return [convolve2d(image, KERNEL, mode="same") for image in images]  # hot
# exempt: a short kernel
import numpy as np

def smooth(signal):
    return np.convolve(signal, np.ones(5) / 5, mode="same")  # hot
# exempt: a kernel of an unknown length
import numpy as np

def smooth(signal, kernel):
    return np.convolve(signal, kernel, mode="same")  # hot
