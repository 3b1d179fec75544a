# slow
import numpy as np

def sample(size, steps):
    for _ in range(steps):
        index = np.random.choice(size, 32, replace=False)  # hot
# exempt: a generator
import numpy as np

def sample(size, steps):
    rng = np.random.default_rng()
    for _ in range(steps):
        index = rng.choice(size, 32, replace=False)  # hot
