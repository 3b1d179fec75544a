# slow
# known: seconds=4
import numpy as np

def load(path):
    return np.genfromtxt(path, delimiter=",")  # hot
# slow
# known: seconds=4
import numpy as np

def load(path):
    return np.loadtxt(path, delimiter=",", skiprows=1)  # hot
# exempt: converters of its own
# known: seconds=4
import numpy as np

def load(path):
    return np.genfromtxt(path, delimiter=",", converters={0: float.fromhex})  # hot
# exempt: binary
import numpy as np

def load(path):
    return np.load(path)  # hot
