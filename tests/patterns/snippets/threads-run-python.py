# slow
from concurrent.futures import ThreadPoolExecutor

def count(text):
    found = {}
    for word in text:
        found[word] = found.get(word, 0) + 1  # hot
    return found

def counts(texts):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(count, texts))
# exempt: processes
from concurrent.futures import ProcessPoolExecutor

def count(text):
    found = {}
    for word in text:
        found[word] = found.get(word, 0) + 1  # hot
    return found

def counts(texts):
    with ProcessPoolExecutor(8) as pool:
        return list(pool.map(count, texts))
# exempt: it waits
# below: get requests/sessions.py, readinto socket.py
from concurrent.futures import ThreadPoolExecutor
import requests

SESSION = requests.Session()

def fetch(urls):
    for url in urls:
        yield SESSION.get(url).content  # hot

def pages(parts):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(fetch, parts))
# exempt: one thread, beside the main one
from concurrent.futures import ThreadPoolExecutor

def count(text):
    found = {}
    for word in text:
        found[word] = found.get(word, 0) + 1  # hot
    return found

def counts(texts):
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(count, texts)
