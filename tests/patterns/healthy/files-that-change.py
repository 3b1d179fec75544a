# healthy a job writes its state, which is read after it
import json

def wait_for(path, jobs):
    for job in jobs:
        job.start()
        status = json.load(open(path))  # hot
        job.note(status)
# healthy a read is timed
import time

def bench(path):
    times = []
    for _ in range(100):
        t = time.perf_counter()
        with open(path, "rb") as file:
            file.read()  # hot
        times.append(time.perf_counter() - t)
# healthy a simulation writes its output where it is told
import json
def poll(sim, params, path):
    results = []
    for p in params:
        sim.run(p, output=path)
        with open(path) as file:
            results.append(json.load(file))  # hot
    return results
# healthy a solver has written its output
import json
class Runner:
    def run(self, params):
        out = []
        for p in params:
            self.solver.solve(p)
            with open(self.solver.output) as file:
                out.append(json.load(file))  # hot
        return out
# healthy parts of one large file
# known: loading=True
class Data:
    def __getitem__(self, i):
        with open(self.path, "rb") as file:
            file.seek(self.offsets[i])
            return file.read(self.sizes[i])  # hot
# healthy a corpus that is streamed in each pass
class Corpus:
    def __init__(self, path):
        self.path = path
    def __iter__(self):
        with open(self.path) as file:
            for line in file:  # hot
                yield line.split()
# healthy a counter in a file
from pathlib import Path

def next_number(path):
    number = int(Path(path).read_text())  # hot
    Path(path).write_text(str(number + 1))
    return number

def main(path, items):
    return [next_number(path) for item in items]
# healthy a window that is cut after it has grown
import pandas as pd
def roll(stream):
    window = pd.DataFrame()
    for part in stream:
        window = pd.concat([window, part])  # hot
        window = window.iloc[-500:]
        use(window)
