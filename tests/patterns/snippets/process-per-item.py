# slow
# below: run subprocess.py, communicate subprocess.py
# known: off_cpu=True
import subprocess

def durations(paths):
    return [subprocess.run(["probe", path], capture_output=True).stdout for path in paths]  # hot
# exempt: they overlap already
# below: run subprocess.py, communicate subprocess.py
# known: off_cpu=True
import subprocess
from concurrent.futures import ThreadPoolExecutor

def duration(path):
    return subprocess.run(["probe", path], capture_output=True).stdout  # hot

def durations(paths):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(duration, paths))
# slow: each call starts one and waits for it
# below: recv multiprocessing/connection.py, _recv multiprocessing/connection.py
# known: off_cpu=True looped=True
class Isolated:
    def __call__(self, item):
        here, there = self.context.Pipe(duplex=False)
        process = self.context.Process(target=self.function, args=(item, there))
        process.start()
        out = here.recv()  # hot
        process.join()
        return out
# exempt: all are started before the first is waited for
# below: join multiprocessing/process.py, wait multiprocessing/popen_fork.py
# known: off_cpu=True
import multiprocessing

def run(parts, work):
    running = [multiprocessing.Process(target=work, args=(part,)) for part in parts]
    for process in running:
        process.start()
    for process in running:
        process.join()  # hot
# exempt: one worker that answers all
# below: recv multiprocessing/connection.py, _recv multiprocessing/connection.py
# known: off_cpu=True
import multiprocessing

def run(items, work):
    here, there = multiprocessing.Pipe()
    worker = multiprocessing.Process(target=work, args=(there,))
    worker.start()
    for item in items:
        here.send(item)
        yield here.recv()  # hot
    worker.join()
