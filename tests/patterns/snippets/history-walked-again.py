# slow
# known: growing=True
# below: mean numpy/_core/fromnumeric.py, _mean numpy/_core/_methods.py
import numpy as np
def train(batches, state):
    losses = []
    for batch in batches:
        state, loss = step(state, batch)
        losses.append(loss)
        print(np.mean(losses))  # hot
# slow
# known: growing=True
def best(rows):
    seen = []
    for row in rows:
        seen.append(score(row))
        top = max(seen)  # hot
# slow
# known: growing=True
import json
class Log:
    def run(self, events):
        for event in events:
            self.events.append(event)
            text = json.dumps(self.events)  # hot
# exempt: it does not get slower
# known: growing=False
def best(rows):
    seen = []
    for row in rows:
        seen.append(score(row))
        top = max(seen)  # hot
# exempt: a window
# known: growing=True
import numpy as np
def train(batches, state):
    losses = []
    for batch in batches:
        losses.append(step(state, batch))
        mean = np.mean(losses)  # hot
        losses = losses[-100:]
# exempt: begun anew
# known: growing=True
def best(groups):
    for group in groups:
        seen = []
        for row in group:
            seen.append(row)
            top = max(seen)  # hot
# exempt: only the end of it
# known: growing=True
import numpy as np
def train(batches, state):
    losses = []
    for batch in batches:
        losses.append(step(state, batch))
        mean = np.mean(losses[-100:])  # hot
