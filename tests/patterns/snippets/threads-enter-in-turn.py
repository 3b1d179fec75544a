# slow: one connection for all threads
# known: waits_for=lock share=0.9 threads=4 at_once=1.0
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
def total(key):
    return CONNECTION.execute("select sum(v) from t where k = ?", (key,)).fetchone()  # hot
# slow: a lock that is reached in no known way
# known: waits_for=lock share=0.9 threads=6 at_once=0.0
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
def inner(lock, work, key):
    lock.acquire()  # hot
    return work(key)
# exempt: several work at the same time
# known: waits_for=lock share=0.9 threads=8 at_once=3.0
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
def total(key):
    return CONNECTION.execute("select sum(v) from t where k = ?", (key,))  # hot
# exempt: all wait, for what threads of the library fetch
# known: waits_for=lock share=0.9 threads=8 at_once=0.1
# above: _worker concurrent/futures/thread.py, run concurrent/futures/thread.py
def part(path):
    return STORE.read(path)  # hot
# exempt: workers that wait for jobs
# known: waits_for=lock share=0.9 threads=4 at_once=1.0
# above: run threading.py
def serve(jobs):
    while True:
        handle(jobs.get())  # hot
# exempt: a thread that waits for an event
# known: waits_for=lock share=0.9 threads=4 at_once=1.0
# above: run threading.py
# below: wait threading.py, wait threading.py
def follow(ready):
    ready.wait_until()  # hot
