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
