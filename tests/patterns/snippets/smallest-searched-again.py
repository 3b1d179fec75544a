# slow
def schedule(jobs, machines):
    free = [0.0] * machines
    for job in jobs:
        at = min(free)  # hot
        free[free.index(at)] = at + job
    return max(free)
# slow: taken out
def merge(parts):
    weights = [len(part) for part in parts]
    while len(weights) > 1:
        first = min(weights)  # hot
        weights.remove(first)
        second = min(weights)
        weights.remove(second)
        weights.append(first + second)
    return weights[0]
# exempt: another list in each pass
def best(rows):
    return [min(row) for row in rows]  # hot
# exempt: the list only grows
def watch(stream):
    seen = []
    for value in stream:
        seen.append(value)
    return min(seen)  # hot
