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
# slow: submitted one by one
# below: as_completed concurrent/futures/_base.py, wait threading.py
# known: workers_busy=0.1 off_cpu=False
from concurrent.futures import ProcessPoolExecutor, as_completed

class Cleaner:
    def run(self, records):
        with ProcessPoolExecutor(max_workers=2) as pool:
            pending = [pool.submit(clean, record) for record in records]  # cause
            for future in as_completed(pending):  # hot
                self.add(future.result())
# exempt: batches are submitted
# below: as_completed concurrent/futures/_base.py, wait threading.py
# known: workers_busy=0.1 off_cpu=False
from concurrent.futures import ProcessPoolExecutor, as_completed

def run(records):
    with ProcessPoolExecutor() as pool:
        pending = [pool.submit(clean, records[at:at + 500]) for at in range(0, len(records), 500)]
        for future in as_completed(pending):  # hot
            add(future.result())
# exempt: the workers compute
# below: as_completed concurrent/futures/_base.py, wait threading.py
# known: workers_busy=0.9 off_cpu=True
from concurrent.futures import ProcessPoolExecutor, as_completed

def run(folds):
    with ProcessPoolExecutor() as pool:
        pending = [pool.submit(train, fold) for fold in folds]
        for future in as_completed(pending):  # hot
            add(future.result())
