# slow
# below: _mean numpy/_core/_methods.py
import numpy as np

def batches(series, rng, length, size):
    order = rng.permutation(len(series) - length)
    for begin in range(0, len(order), size):
        xs = []
        for start in order[begin : begin + size]:
            window = series[start : start + length]
            xs.append((window - window.mean()) / window.std())  # hot
        yield np.stack(xs)
# slow: as a comprehension
import numpy as np

def frames(signal, hop, length):
    return np.array([signal[i : i + length] * 0.5 for i in range(0, len(signal) - length, hop)])  # hot
# slow: for jax
# below: _var numpy/_core/_methods.py
import jax.numpy as jnp

def windows(series, starts, length):
    parts = []
    for start in starts:
        part = series[start : start + length]
        scale = part.std() + 1e-6  # hot
        parts.append(part / scale)
    return jnp.stack(parts)
# exempt: the slice is read from a file
# below: __getitem__ h5py/_hl/dataset.py
import numpy as np

def windows(data, starts, length):
    parts = []
    for start in starts:
        parts.append(data["x"][start : start + length])  # hot
    return np.stack(parts)
# exempt: each sample takes another path
import numpy as np

def augmented(series, starts, length, rng):
    parts = []
    for start in starts:
        part = series[start : start + length]
        if rng.random() < 0.5:
            part = part[::-1]  # hot
        parts.append(part)
    return np.stack(parts)
# exempt: a function that has no form for all at once
import numpy as np
from library import denoise

def cleaned(series, starts, length):
    return np.stack([denoise(series[s : s + length]) for s in starts])  # hot
# exempt: each pass needs the one before
import numpy as np

def simulate(rates, steps):
    level, levels = 0.0, []
    for step in range(steps):
        level = level * 0.9 + rates[step]  # hot
        levels.append(level)
    return np.array(levels)
# slow: each slice in a method
# below: _std numpy/_core/_methods.py
# known: looped=True
import numpy as np

class Sampler:
    def window(self, start):
        part = self.series[start : start + self.length]
        return (part - part.mean(0)) / part.std(0)  # hot

    def batch(self, starts):
        return np.stack([self.window(start) for start in starts])
# exempt: a window is used by itself, too
# below: _std numpy/_core/_methods.py
# known: looped=True
import numpy as np

class Sampler:
    def window(self, start):
        part = self.series[start : start + self.length]
        return (part - part.mean(0)) / part.std(0)  # hot

    def batch(self, starts):
        return np.stack([self.window(start) for start in starts])

    def walk(self):
        for start in range(len(self.series)):
            self.show(self.window(start))
