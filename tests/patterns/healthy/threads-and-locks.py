# healthy the server's threads wait for the one model: more threads would wait for it, too
# known: handler=True pool_full=True off_cpu=True waits_for=lock
# above: run threading.py, run anyio/_backends/_asyncio.py
import threading
import torch
from fastapi import FastAPI

app = FastAPI()
lock = threading.Lock()

@app.post("/score")
def score(body: dict):
    x = torch.tensor(body["x"])
    with lock:  # hot
        y = model(x)
    return y.tolist()
# healthy the server's threads wait for the GIL
# known: handler=True pool_full=True off_cpu=True waits_for=gil
# above: run threading.py, run anyio/_backends/_asyncio.py
from fastapi import FastAPI

app = FastAPI()

@app.post("/score")
def score(body: dict):
    return {"n": features(body)}  # hot
# healthy the server's threads wait for native threads that compute
# known: handler=True pool_full=True off_cpu=True waits_for=native
# above: run threading.py, run anyio/_backends/_asyncio.py
from fastapi import FastAPI

app = FastAPI()

@app.post("/score")
def score(body: dict):
    return {"n": model.predict(body)}  # hot
# healthy a semaphore that the object was given
# known: waits_for=lock share=0.9 threads=8 at_once=1.0
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
def fetch(self, url):
    self.limit.acquire()  # hot
    try:
        return self.session.get(url)
    finally:
        self.limit.release()
# healthy a thread that takes its jobs as they come
# known: waits_for=lock share=0.9 threads=4 at_once=0.9
# above: run threading.py
def serve(rx):
    for message in iter(rx.recv, None):  # hot
        handle(message)
# healthy threads that meet after each step
# known: waits_for=lock share=0.5 threads=4 at_once=0.8
# above: run threading.py
# below: wait threading.py, _wait threading.py, wait threading.py
def work(barrier, part):
    for step in range(100):
        part.advance(step)
        barrier.wait()  # hot
# healthy a later round needs the earlier one
# known: off_cpu=True
from concurrent.futures import ProcessPoolExecutor

def anneal(state, temperatures):
    with ProcessPoolExecutor(4) as pool:
        for temperature in temperatures:
            moves = list(pool.map(energy, neighbours(state, temperature)))  # hot
            state = best(moves)
    return state
# healthy a window of tasks at a time
# known: off_cpu=True
from collections import deque
from concurrent.futures import ProcessPoolExecutor

def run(items):
    waiting = deque()
    with ProcessPoolExecutor() as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 16:
                yield waiting.popleft().result()  # hot
        while waiting:
            yield waiting.popleft().result()
# healthy ray, a window of tasks at a time
# known: off_cpu=True
import ray

def run(items):
    pending = []
    for item in items:
        pending.append(work.remote(item))
        if len(pending) > 10:
            ready, pending = ray.wait(pending)
            store(ray.get(ready[0]))  # hot
# healthy one table after another, its rows side by side
# known: off_cpu=True
from multiprocessing import Pool

def run(tables):
    with Pool() as pool:
        for table in tables:
            table.write(pool.starmap(convert, table.rows))  # hot
# healthy a process of its own for each file
# known: off_cpu=True
from multiprocessing import Pool

def run(files):
    with Pool(1, maxtasksperchild=1) as pool:
        for file in files:
            save(file, pool.apply(parse, (file,)))  # hot
# healthy a build takes what earlier ones have made
# known: off_cpu=True
from concurrent.futures import ProcessPoolExecutor
def topo(order, deps):
    done = {}
    with ProcessPoolExecutor() as pool:
        for node in order:
            done[node] = pool.submit(build, node, [done[d] for d in deps[node]]).result()  # hot
    return done
# healthy each test decides what comes next
# known: off_cpu=True
from concurrent.futures import ProcessPoolExecutor
def bisect(low, high):
    with ProcessPoolExecutor(1) as pool:
        while high - low > 1:
            mid = (low + high) // 2
            if pool.submit(test, mid).result():  # hot
                high = mid
            else:
                low = mid
# healthy a model that learns from block to block
# known: off_cpu=True
import ray
def seq(blocks, model):
    for block in blocks:
        model = ray.get(fit.remote(model, block))  # hot
    return model
