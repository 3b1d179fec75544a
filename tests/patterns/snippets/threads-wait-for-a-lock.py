# slow
# known: off_cpu=True share=0.8
import threading

LOCK = threading.Lock()

def price(item):
    with LOCK:  # hot
        return fetch(item)
# exempt: little of the run
# known: off_cpu=True share=0.05
import threading

LOCK = threading.Lock()

def price(item):
    with LOCK:  # hot
        return fetch(item)
