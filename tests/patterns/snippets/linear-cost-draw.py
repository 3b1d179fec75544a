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
# slow
import random
from collections import deque

class Replay:
    def __init__(self, size):
        self.memory = deque(maxlen=size)
        self.random = random.Random(0)

    def draw(self, count):
        return self.random.sample(self.memory, count)  # hot

def train(replay):
    for step in range(1000):
        batch = replay.draw(64)
# exempt: half of all are drawn
import numpy as np

def halves(n, rounds):
    for _ in range(rounds):
        yield np.random.choice(n, n // 2, replace=False)  # hot
