# slow
# known: off_cpu=True
import asyncio

async def run(job):
    todo.put(job)
    while job not in results:
        await asyncio.sleep(0.25)  # hot
    return results.pop(job)
# slow
# known: off_cpu=True
import time

def wait(future):
    while not future.done():
        time.sleep(1)  # hot
    return future.result()
# slow: an endless loop looks into a store of this program
# known: off_cpu=True handler=True
import time

NAP = 0.25

class Results:
    def __init__(self):
        self.items = {}

    def pop(self, key):
        with self.lock:
            return self.items.pop(key, None)

def predict(key, results):
    while True:
        found = results.pop(key)
        if found is not None:
            break
        time.sleep(NAP)  # hot
    return found
# slow: an endless loop looks into a dict
# known: off_cpu=True handler=True
import time

RESULTS = {}

def predict(key):
    while True:
        if key in RESULTS:
            return RESULTS.pop(key)
        time.sleep(0.1)  # hot
# exempt: another service is asked
# known: off_cpu=True handler=True
import time
import requests

def wait(key):
    while True:
        answer = requests.get(f"http://jobs/{key}").json()
        if answer["status"] == "done":
            return answer
        time.sleep(0.5)  # hot
# exempt: a table that another program writes to
# known: off_cpu=True
import time

def work(db):
    while True:
        job = db.execute("select id from jobs where state = 'new'").fetchone()
        if job is not None:
            return job
        time.sleep(1)  # hot
# exempt: a file that another program writes
# known: off_cpu=True
import os
import time

def wait(path):
    while not os.path.exists(path):
        time.sleep(1)  # hot
# exempt: a service that works every minute
# known: off_cpu=True
import time

def serve(jobs):
    while True:
        run(jobs)
        time.sleep(60)  # hot
# exempt: a short nap
# known: off_cpu=True
import time

def wait(flag):
    while not flag.is_set():
        time.sleep(0.001)  # hot
