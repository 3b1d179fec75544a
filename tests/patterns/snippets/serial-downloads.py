# slow
# below: get requests/api.py, request requests/sessions.py, readinto socket.py
import requests

def fetch(urls):
    return [requests.get(url).content for url in urls]  # hot
# slow: the answer of a page is kept, and asked for again only where it did not come
# below: get requests/api.py, request requests/sessions.py, readinto socket.py
import requests

def pages(urls):
    found = {}
    for url in urls:
        for attempt in range(3):
            try:
                found[url] = requests.get(url, timeout=5).json()  # hot
                break
            except requests.RequestException:
                continue
    return found
# slow: every link is looked at, whatever the answer is used for
# below: urlopen urllib/request.py, readinto socket.py
from urllib.request import urlopen

def works(url):
    with urlopen(url, timeout=5) as answer:  # hot
        return answer.status == 200

def dead_links(urls):
    return [url for url in urls if not works(url)]  # caller
# exempt: in a pool already
# below: get requests/api.py
import requests
from concurrent.futures import ThreadPoolExecutor

def page(url):
    return requests.get(url).content  # hot

def fetch(urls):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(page, urls))
# exempt: it asks each server until that is ready
# below: get requests/api.py, request requests/sessions.py, create_connection urllib3/util/connection.py
from urllib.request import urlopen

import requests

def wait_for_all(ports):
    for port in ports:
        while True:
            try:
                if requests.get(f"http://127.0.0.1:{port}/health", timeout=1).status_code == 200:  # hot
                    break
            except requests.ConnectionError:
                pass

def wait_for_any_answer(ports):
    for port in ports:
        for _ in range(500):
            try:
                with urlopen(f"http://127.0.0.1:{port}/health", timeout=0.2) as answer:  # hot
                    answer.read()
                break
            except OSError:
                continue

def wait_longer_each_time(url, left=0.1):
    while True:
        try:
            answer = requests.get(url, timeout=left)  # hot
            answer.raise_for_status()
            return True
        except requests.RequestException:
            left += 0.1
# exempt: a function asks whether the server is ready, and its caller pauses
# below: get requests/api.py, request requests/sessions.py, create_connection urllib3/util/connection.py
import time

import requests

def is_up(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=1).ok  # hot
    except requests.ConnectionError:
        return False

def start(port):
    while not is_up(port):  # caller
        time.sleep(0.05)
# exempt: the same, with nothing but the question
# below: urlopen urllib/request.py, create_connection socket.py
import urllib.request

def answers(url):
    try:
        urllib.request.urlopen(url, timeout=1).read()  # hot
        return True
    except OSError:
        return False

def start(url, tries):
    for _ in range(tries):
        if answers(url):  # caller
            return
    raise SystemExit("it does not start")
# exempt: it asks for the state of a job, until that is done
# below: get requests/api.py, request requests/sessions.py, readinto socket.py
import time

import requests

def state(url, job):
    return requests.get(f"{url}/jobs/{job}").json()["state"]  # hot

def wait(url, job):
    while state(url, job) != "done":  # caller
        time.sleep(1)
# exempt: several threads ask at once
# known: off_cpu=True threads=6.8
import requests

def client(url, orders):
    session = requests.Session()
    for order in orders:
        session.post(url, json=order)  # hot
