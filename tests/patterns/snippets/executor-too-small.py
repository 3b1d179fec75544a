# slow
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
# known: off_cpu=True share=0.6 threads=1.0 in_flight=15.2 serves=True waits_for=sleep
import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(max_workers=1)  # cause

def lookup(key):
    time.sleep(0.03)  # hot
    return key

async def price(key):
    return await asyncio.get_running_loop().run_in_executor(pool, lookup, key)
# exempt: one request at a time
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
# known: off_cpu=True share=0.6 threads=1.0 in_flight=1.0 serves=True waits_for=sleep
import time
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(max_workers=1)

def lookup(key):
    time.sleep(0.03)  # hot
    return key
# exempt: threads are free
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
# known: off_cpu=True share=0.6 threads=15.0 in_flight=15.2 serves=True waits_for=sleep
import time
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(max_workers=32)

def lookup(key):
    time.sleep(0.03)  # hot
    return key
# exempt: the thread computes
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
# known: off_cpu=False share=0.6 threads=1.0 in_flight=15.2 serves=True
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(max_workers=1)

def score(model, rows):
    return model.predict(rows)  # hot
