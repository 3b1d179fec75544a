# slow
# known: growing=True
def newest_first(records):
    found = []
    for record in records:
        found.insert(0, record)  # hot
    return found
# exempt: it does not get slower
# known: growing=False
def walk(graph, start):
    todo = [start]
    while todo:
        node = todo.pop(0)  # hot
        todo.extend(graph[node])
# exempt: a deque
# known: growing=True
from collections import deque
def walk(graph, start):
    todo = deque([start])
    while todo:
        node = todo.popleft()  # hot
        todo.extend(graph[node])
# exempt: at the end
# known: growing=True
def collect(records):
    found = []
    for record in records:
        found.insert(len(found), record)  # hot
# exempt: a dict
# known: growing=True
def drain(names):
    table = {}
    for name in names:
        table.pop(0)  # hot
# slow: in a method, with most of the run
# known: looped=True share=0.9
class History:
    def __init__(self):
        self.actions = []

    def record(self, action):
        self.actions.insert(0, action)  # hot

    def latest(self, count):
        return self.actions[:count]
# exempt: the history is kept short
# known: looped=True share=0.9
class History:
    def __init__(self):
        self.actions = []

    def record(self, action):
        self.actions.insert(0, action)  # hot
        del self.actions[100:]
# exempt: it takes little of the run
# known: looped=True share=0.1
class History:
    def __init__(self):
        self.actions = []

    def record(self, action):
        self.actions.insert(0, action)  # hot
