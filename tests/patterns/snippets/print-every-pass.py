# slow
def work(items):
    for item in items:
        print("done", item)  # hot
# exempt: now and then
def work(items):
    for number, item in enumerate(items):
        if number % 1000 == 0:
            print("done", number)  # hot
# exempt: a few
# known: passes=30
def work(items):
    for item in items:
        print("done", item)  # hot
# slow
import sys
from functools import partial

status = partial(print, file=sys.stderr, flush=True)

def run(steps):
    for step in range(steps):
        status(f"{step}/{steps}")  # hot
# exempt: a partial of another function
from functools import partial

status = partial(sorted, reverse=True)

def run(rows):
    for row in rows:
        status(row)  # hot
