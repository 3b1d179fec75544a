# slow: applied one by one
# known: off_cpu=True cores=1.0
from multiprocessing import Pool

def scores(names):
    found = []
    with Pool(4) as pool:
        for name in names:
            found.append(pool.apply(score, (name,)))  # hot
    return found
# slow: submitted and waited for in one pass
# known: off_cpu=True cores=0.1
from concurrent.futures import ThreadPoolExecutor

def prices(keys):
    found = {}
    with ThreadPoolExecutor(max_workers=8) as pool:
        for key in keys:
            future = pool.submit(fetch, key)
            found[key] = future.result()  # hot
    return found
# slow: in a comprehension, the pool an attribute
# known: off_cpu=True cores=1.0
from concurrent.futures import ProcessPoolExecutor

class Scorer:
    def __init__(self):
        self.pool = ProcessPoolExecutor()

    def all(self, parts):
        return [self.pool.submit(score, part).result() for part in parts]  # hot
# slow: a map over one item
# known: off_cpu=True cores=1.0
import multiprocessing

def scores(parts):
    pool = multiprocessing.Pool()
    for part in parts:
        save(pool.map(score, [part])[0])  # hot
# slow: ray
# known: off_cpu=True cores=1.0
import ray

def scores(parts):
    out = []
    for part in parts:
        out.append(ray.get(score.remote(part)))  # hot
    return out
# exempt: all are handed over first
# known: off_cpu=True cores=1.0
from concurrent.futures import ProcessPoolExecutor

def scores(parts):
    with ProcessPoolExecutor() as pool:
        futures = [pool.submit(score, part) for part in parts]
        return [future.result() for future in futures]  # hot
# exempt: each task needs what the last one gave
# known: off_cpu=True cores=1.0
from concurrent.futures import ProcessPoolExecutor

def walk(state, moves):
    with ProcessPoolExecutor() as pool:
        for move in moves:
            state = pool.submit(advance, state, move).result()  # hot
    return state
# exempt: two tasks at a time
# known: off_cpu=True cores=0.1
from concurrent.futures import ThreadPoolExecutor

def pairs(keys):
    with ThreadPoolExecutor(2) as pool:
        for key in keys:
            other = pool.submit(fetch, key + "/other")
            first = pool.submit(fetch, key)
            use(first.result(), other.result())  # hot
# exempt: the task runs beside the work of the loop
# known: off_cpu=True cores=1.0
from concurrent.futures import ThreadPoolExecutor

def train(parts):
    with ThreadPoolExecutor(2) as pool:
        for part in parts:
            ahead = pool.submit(load, part)
            step(part)
            use(ahead.result())  # hot
# exempt: one worker that keeps the crashes of a library away
# known: off_cpu=True cores=1.0
from concurrent.futures import ProcessPoolExecutor

def scores(parts):
    with ProcessPoolExecutor(max_workers=1) as pool:
        return [pool.submit(score, part).result() for part in parts]  # hot
# exempt: the pool is a guard against tasks that hang
# known: off_cpu=True cores=1.0
from concurrent.futures import ProcessPoolExecutor

def scores(parts):
    with ProcessPoolExecutor() as pool:
        return [pool.submit(score, part).result(timeout=5) for part in parts]  # hot
# exempt: threads that compute in Python gain nothing from each other
# known: off_cpu=True cores=1.0
from concurrent.futures import ThreadPoolExecutor

def scores(parts):
    with ThreadPoolExecutor() as pool:
        return [pool.submit(score, part).result() for part in parts]  # hot
