# healthy
import random
from collections import deque

def simulate(agents, steps):
    queue = deque(range(agents))
    wealth = [100] * agents
    history = []
    for step in range(steps):
        one, other = queue.popleft(), random.randrange(agents)
        if one != other and wealth[one] > 0:
            wealth[one] -= 1
            wealth[other] += 1
        queue.append(one)
        if step % 100 == 0:
            history.append(sorted(wealth)[agents // 2])
    for i in range(1, len(history)):
        history[i] = 0.9 * history[i - 1] + 0.1 * history[i]
    return history
