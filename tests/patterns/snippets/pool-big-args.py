# slow
# below: map multiprocessing/pool.py, get multiprocessing/pool.py
# known: pickling=0.3
from multiprocessing import Pool

class Job:
    def run(self, items):
        with Pool(4) as pool:
            return pool.map(self.work, items)  # hot
# exempt: a plain function
# below: map multiprocessing/pool.py
# known: pickling=0.3
from multiprocessing import Pool

def work(item):
    return item

def run(items):
    with Pool(4) as pool:
        return pool.map(work, items)  # hot
