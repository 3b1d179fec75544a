# slow
# below: map concurrent/futures/process.py
# known: workers_busy=0.2
from concurrent.futures import ProcessPoolExecutor

def run(work, items):
    with ProcessPoolExecutor() as pool:
        return list(pool.map(work, items))  # hot
# exempt: many at a time
# below: map concurrent/futures/process.py
# known: workers_busy=0.2
from concurrent.futures import ProcessPoolExecutor

def run(work, items):
    with ProcessPoolExecutor() as pool:
        return list(pool.map(work, items, chunksize=100))  # hot
