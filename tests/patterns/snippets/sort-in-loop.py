# slow
def search(start):
    waiting = [start]
    while waiting:
        waiting.sort()  # hot
        cost, node = waiting.pop(0)
        for step in node.steps:
            waiting.append((cost + step.cost, step.node))
# exempt: nothing is added
def medians(parts):
    for part in parts:
        values = sorted(part)  # hot
        yield values[len(values) // 2]
# exempt: now and then
def watch(items):
    best = []
    for number, item in enumerate(items):
        best.append(item)
        if number % 1000 == 0:
            best.sort()  # hot
