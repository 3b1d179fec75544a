# slow
# known: off_cpu=True share=0.8
import threading

LOCK = threading.Lock()

def price(item):
    with LOCK:  # hot
        return fetch(item)
# exempt: little of the run
# known: off_cpu=True share=0.05
import threading

LOCK = threading.Lock()

def price(item):
    with LOCK:  # hot
        return fetch(item)
# slow: a lock that the processes of a pool share
# known: off_cpu=True share=0.8
# below: __enter__ multiprocessing/synchronize.py
import multiprocessing

def begin(lock):
    global LOCK
    LOCK = lock

def price(item):
    with LOCK:  # hot
        return fetch(item)

def main(items):
    with multiprocessing.Pool(4, initializer=begin, initargs=(multiprocessing.Lock(),)) as pool:
        return pool.map(price, items)
# exempt: a semaphore that limits how many processes ask at once
# known: off_cpu=True share=0.8
# below: __enter__ multiprocessing/synchronize.py
import multiprocessing

LIMIT = multiprocessing.Semaphore(8)

def price(item):
    with LIMIT:  # hot
        return fetch(item)
