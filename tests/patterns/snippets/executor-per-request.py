# slow
# below: map concurrent/futures/_base.py, submit concurrent/futures/thread.py, _adjust_thread_count concurrent/futures/thread.py, start threading.py
# known: handler=True
from concurrent.futures import ThreadPoolExecutor

def search(query):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(query.on, SHARDS))  # hot
# slow
# below: Pool multiprocessing/context.py, __init__ multiprocessing/pool.py, _repopulate_pool multiprocessing/pool.py
from multiprocessing import Pool

def parts(days):
    for day in days:
        with Pool(4) as pool:  # hot
            pool.map(convert, day.files)
# exempt: one pool for all
# below: map concurrent/futures/_base.py, _adjust_thread_count concurrent/futures/thread.py
# known: handler=True
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(8)

def search(query):
    return list(POOL.map(query.on, SHARDS))  # hot
# exempt: it waits for the work
# below: __exit__ concurrent/futures/_base.py, shutdown concurrent/futures/thread.py, join threading.py
# known: handler=True
from concurrent.futures import ThreadPoolExecutor

def search(query):
    with ThreadPoolExecutor(8) as pool:  # hot
        return list(pool.map(query.on, SHARDS))
