# slow
# below: get requests/api.py, request requests/sessions.py, readinto socket.py
import requests

def fetch(urls):
    return [requests.get(url).content for url in urls]  # hot
# exempt: in a pool already
# below: get requests/api.py
import requests
from concurrent.futures import ThreadPoolExecutor

def page(url):
    return requests.get(url).content  # hot

def fetch(urls):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(page, urls))
