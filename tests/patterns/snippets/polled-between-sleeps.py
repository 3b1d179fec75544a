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
