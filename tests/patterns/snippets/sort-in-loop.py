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
# slow: a list that an object holds
# known: looped=True
class Agenda:
    def __init__(self):
        self.events = []

    def push(self, event):
        self.events.append(event)
        self.events.sort(key=attrgetter("at"), reverse=True)  # hot

def simulate(events):
    agenda = Agenda()
    for event in events:
        agenda.push(event)  # caller
# exempt: it is sorted in a method of its own
# known: looped=True
class Agenda:
    def __init__(self):
        self.events = []

    def push(self, event):
        self.events.append(event)

    def finish(self):
        self.events.sort(key=lambda each: each.at)  # hot
