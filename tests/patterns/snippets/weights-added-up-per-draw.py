# slow
import numpy as np

def negatives(probabilities, count):
    out = []
    for _ in range(count):
        out.append(np.random.choice(len(probabilities), size=5, p=probabilities))  # hot
    return out
# slow: prioritized replay
# known: step=True
import numpy as np

class Replay:
    def sample(self, size):
        p = self.priorities / self.priorities.sum()
        return np.random.choice(len(p), size, p=p)  # hot
# slow
import random

def walk(graph, weights, steps):
    for _ in range(steps):
        node = random.choices(graph.nodes, weights=weights)[0]  # hot
        graph.visit(node)
# exempt: a few weights, written out
import random

def play(steps):
    for _ in range(steps):
        move = random.choices(["left", "right"], weights=[0.2, 0.8])[0]  # hot
        yield move
# exempt: once
import numpy as np

def sample(p, size):
    return np.random.choice(len(p), size, p=p)  # hot
