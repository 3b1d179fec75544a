"""Inside a DataLoader worker: the pickled size of a batch and the time to pickle it, for one batch in 16.

``multiprocessing.queues`` finds its pickler class by a name in that module. In a worker, which only serves its queue,
we replace it with a subclass. Data in shared memory does not count towards the bytes in the pipe.
"""

import sys
from time import thread_time_ns

from ... import signals
from ...agent.recorder import is_users_exception, now

_EVERY = 15  # mask: one batch in 16
_CPU_NS = 100_000  # unit of the CPU time in a record's flags


def watch_queues(recorder):
    """Start timing the pickling in this process's queues. Does nothing in a process without queues."""
    queues = sys.modules.get("multiprocessing.queues")
    original = getattr(queues, "_ForkingPickler", None)
    if original is None or hasattr(original, "_bottleneck"):
        return
    plain = original.dumps
    seen = 0

    def off(where, error):
        if is_users_exception(error):
            raise error
        recorder.fail("queues", where, error)

    def dumps(item, protocol=None):
        nonlocal seen
        seen += 1
        if seen & _EVERY != 1 or "queues" in recorder.failed:
            return plain(item, protocol)
        try:
            t0, c0 = now(), thread_time_ns()
        except BaseException as error:
            off("before", error)
            return plain(item, protocol)
        data = plain(item, protocol)
        try:
            if type(item) is tuple and len(item) == 2:  # a batch and its number, not one of the user's messages
                cpu = (thread_time_ns() - c0) // _CPU_NS
                recorder.ring().put(signals.PICKLED, min(cpu, 65535), t0, now(), len(data))
        except BaseException as error:
            off("after", error)
        return data

    timed = type(original.__name__, (original,), {"dumps": staticmethod(dumps), "_bottleneck": True})
    vars(queues)["_ForkingPickler"] = timed
