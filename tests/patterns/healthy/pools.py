# healthy
# known: off_cpu=True workers_busy=0.98
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import Pool

import requests

SESSION = requests.Session()

def fetch(url):
    return SESSION.get(url, timeout=10).content

def pages(urls):
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(fetch, urls))

def convert(paths):
    with Pool() as pool:
        return pool.map(resize, paths, chunksize=20)

def score(parts):
    with ProcessPoolExecutor() as pool:
        futures = [pool.submit(fit, part) for part in parts]
        return [future.result() for future in futures]
