# slow
import numpy as np

def negatives(self):
    for user, _ in self.pairs:
        for _ in range(4):
            item = np.random.randint(self.items)  # hot
            self.found.append([user, item])
# slow: of a generator
import numpy as np

def walk(n):
    rng = np.random.default_rng(0)
    return [rng.normal(0.0, 1.0) for _ in range(n)]  # hot
# exempt: many at once
import numpy as np

def negatives(batches, items):
    for size in batches:
        yield np.random.randint(items, size=size)  # hot
# exempt: an array for each pass
import numpy as np

def noise(batches):
    for batch in batches:
        yield batch + np.random.randn(*batch.shape)  # hot
# exempt: Python's own
import random

def negatives(pairs, items):
    return [random.randrange(items) for _ in pairs]  # hot
