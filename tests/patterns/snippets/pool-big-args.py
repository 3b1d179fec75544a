# slow
# below: map multiprocessing/pool.py, get multiprocessing/pool.py
# known: pickling=0.3
from multiprocessing import Pool

class Job:
    def run(self, items):
        with Pool(4) as pool:
            return pool.map(self.work, items)  # hot # cause
# exempt: a plain function
# below: map multiprocessing/pool.py
# known: pickling=0.3
from multiprocessing import Pool

def work(item):
    return item

def run(items):
    with Pool(4) as pool:
        return pool.map(work, items)  # hot
# slow: the line that waits for the results is another one
# below: next multiprocessing/pool.py, wait threading.py
# known: pickling=0.9
from multiprocessing import Pool

class Job:
    def run(self, items):
        total = 0
        with Pool(4) as pool:
            results = pool.imap_unordered(self.work, items)  # cause
            for result in results:  # hot
                total += result
        return total
