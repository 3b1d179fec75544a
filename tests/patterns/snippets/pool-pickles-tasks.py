# slow
# below: next multiprocessing/pool.py, wait threading.py
# known: pickling=0.9
import functools
import multiprocessing

def merge(results):
    total = {}
    for result in results:  # hot
        total.update(result)
    return total

def main(paths, networks):
    work = functools.partial(enrich, networks=networks)
    with multiprocessing.Pool(2) as pool:
        return merge(pool.imap_unordered(work, paths))  # caller # cause
# slow: tasks of an executor
# below: result concurrent/futures/_base.py, wait threading.py
# known: pickling=0.6
from concurrent.futures import ProcessPoolExecutor

def main(frame, shops):
    with ProcessPoolExecutor() as pool:
        pending = [pool.submit(total, frame, shop) for shop in shops]  # cause
        return [future.result() for future in pending]  # hot
# exempt: the tasks take the time
# below: next multiprocessing/pool.py, wait threading.py
# known: pickling=0.1
import multiprocessing

def main(paths):
    with multiprocessing.Pool(2) as pool:
        return list(pool.imap_unordered(enrich, paths, chunksize=4))  # hot
# exempt: threads hand over nothing
# below: result concurrent/futures/_base.py, wait threading.py
from concurrent.futures import ThreadPoolExecutor

def main(frame, shops):
    with ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(total, frame, shop) for shop in shops]]  # hot
# slow: a handler of an event loop sends the model with each request
# known: pickling=0.9 handler=True event_loop=True off_cpu=True
import asyncio

async def score(request):
    rows = (await request.json())["rows"]
    loop = asyncio.get_running_loop()
    scores = await loop.run_in_executor(request.app["pool"], predict, request.app["model"], rows)  # hot # cause
    return {"scores": scores}
# exempt: a thread of the executor computes
# known: pickling=0.0 handler=True event_loop=True off_cpu=True
import asyncio

async def score(request):
    rows = (await request.json())["rows"]
    loop = asyncio.get_running_loop()
    scores = await loop.run_in_executor(None, predict, request.app["model"], rows)  # hot
    return {"scores": scores}
