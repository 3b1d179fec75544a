"""Inside a DataLoader worker: what a batch weighs on its way out, and what it takes to pickle it; 1 in 16 is looked at.

``multiprocessing.queues`` pickles with a class that is a name of that module. In a worker, which lives for its queue
alone, a subclass of it stands there instead. What goes through shared memory is not among the bytes of the pipe.
"""

import sys
from time import thread_time_ns

from ... import signals
from ...agent.recorder import is_users_exception, now

_EVERY = 15  # mask: one batch in 16
_CPU_NS = 100_000  # unit of the CPU time in a record's flags


def watch_queues(recorder):
    """From now on time what this process's queues pickle. A process without queues stays as it is."""
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
            if type(item) is tuple and len(item) == 2:  # a batch and its number, and no message of the user's own
                cpu = (thread_time_ns() - c0) // _CPU_NS
                recorder.ring().put(signals.PICKLED, min(cpu, 65535), t0, now(), len(data))
        except BaseException as error:
            off("after", error)
        return data

    timed = type(original.__name__, (original,), {"dumps": staticmethod(dumps), "_bottleneck": True})
    vars(queues)["_ForkingPickler"] = timed
