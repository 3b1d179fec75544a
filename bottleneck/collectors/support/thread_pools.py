"""Pools of threads in which tasks wait until a thread is free: the program's ThreadPoolExecutors, and anyio's threads.

``concurrent.futures.thread`` keeps the queue of each of its threads in a dictionary, of which the sampling thread
copies the values in one step.
"""

import sys

from ...agent.recorder import now
from ...signals import EXECUTOR

EVERY_NS = 100_000_000  # between two samples
MOST = 65535


def limiter_of(loop):
    """The limiter of anyio's threads in this loop; None if it has none yet.

    The public function asks which library the current task belongs to, and a callback of the loop has no task.
    """
    backend, lowlevel = sys.modules.get("anyio._backends._asyncio"), sys.modules.get("anyio.lowlevel")
    of_loops, variable = getattr(lowlevel, "_run_vars", None), getattr(backend, "_default_thread_limiter", None)
    return None if of_loops is None or variable is None else of_loops.get(loop, {}).get(variable)


class Executors:
    """Samples the queues of ThreadPoolExecutors. Used only by the sampling thread."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._waited = set()  # numbers of the executors in which tasks waited at the last sample
        self._due = 0
        self.on = True

    def look(self, ring):
        """Record the executors in which tasks wait, and once those in which none waits any more. Never raises."""
        module = sys.modules.get("concurrent.futures.thread")
        queues = getattr(module, "_threads_queues", None)  # None while the module is being imported, too
        if queues is None or not self.on or now() < self._due:
            return
        try:
            self._due = now() + EVERY_NS
            self._look(ring, queues.data)
        except BaseException as error:
            self.on = False
            self._recorder.fail("executors", "look", error)

    def _look(self, ring, queues):
        threads = {}  # identity of a queue -> [the queue, its threads]
        for queue in list(queues.values()):
            threads.setdefault(id(queue), [queue, 0])[1] += 1
        at, waited = now(), set()
        for key, (queue, count) in threads.items():
            number, waiting = self._recorder.executors.get(key, 0), queue.qsize()
            if waiting > 0:
                waited.add(number)
            if waiting > 0 or number in self._waited:
                ring.put(EXECUTOR, min(waiting, MOST), at, at, number << 32 | count)
        self._waited = waited
