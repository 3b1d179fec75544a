# slow
import queue

def drain(events, closing, write):
    batch = []
    while not closing.is_set():
        try:
            batch.append(events.get_nowait())
        except queue.Empty:
            pass
        if len(batch) >= 100:  # hot
            write(batch)
            batch = []
# slow
def until_done(process):
    while process.poll() is None:  # hot
        pass
# exempt: it sleeps between two questions
import queue, time

def drain(events, closing, write):
    while not closing.is_set():
        try:
            write(events.get_nowait())  # hot
        except queue.Empty:
            time.sleep(0.01)
# exempt: it works until there is nothing left
import queue

def drain(events, work):
    while True:
        try:
            work(events.get_nowait())  # hot
        except queue.Empty:
            break
# exempt: each pass has work of its own, and looks for news in passing
import queue

def play(events, world):
    while not world.over:
        try:
            world.steer(events.get_nowait())
        except queue.Empty:
            pass
        world.advance()  # hot
# exempt: it empties the queue and ends
import queue

def drain(events, work):
    while not events.empty():
        try:
            event = events.get_nowait()
        except queue.Empty:
            continue
        work(event)  # hot
# exempt: what it got is worked on
# below: work user.py
import queue

def serve(events, closing, work):
    while not closing.is_set():
        try:
            event = events.get_nowait()
        except queue.Empty:
            continue
        work(event)  # hot
# slow: for what another thread does
class Pool:
    def wait_done(self, keys):
        while not all(key in self.results for key in keys):  # hot
            pass
# slow: seen in the generator
# below: <genexpr> user.py
class Pool:
    def wait_done(self, keys):
        while not all(key in self.results for key in keys):  # hot
            pass
# slow: a worker asks again at once
class Pool:
    def work(self):
        while not self.closed:
            if not self.jobs:  # hot
                continue
            self.run(self.jobs.popleft())
# exempt: the question waits
class Pool:
    def work(self, pipe):
        while not pipe.poll(1.0):  # hot
            pass
# exempt: the question works
class Solver:
    def solve(self):
        while not self.step():  # hot
            pass
# exempt: the work of a worker
class Pool:
    def work(self):
        while not self.closed:
            if not self.jobs:
                continue
            self.run(self.jobs.popleft())  # hot
# exempt: it goes on to the next item
def count(items):
    i = total = 0
    while i < len(items):
        i += 1
        if not items[i - 1]:  # hot
            continue
        total += 1
    return total
# slow: it leaves as soon as it is there
class Pool:
    def wait(self, key):
        while True:
            if key in self.results:  # hot
                return self.results[key]
