"""The interpreter's original thread functions, even if gevent or eventlet has patched them.

Both replace attributes of ``_thread`` and ``time``, early in a program or long before ``profile()`` loads us. If we got
a green thread instead of a real one, our code would run in the user's thread and change its signal mask.
"""

import _thread
import sys
import time


def _original(module, name):
    """The function ``module.name`` as it was before any patch."""
    gevent = sys.modules.get("gevent.monkey")
    saved = getattr(gevent, "saved", {}).get(module.__name__, {})
    if name in saved:
        return saved[name]
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is not None:
        return getattr(patcher.original(module.__name__), name)
    return getattr(module, name)


allocate_lock = _original(_thread, "allocate_lock")
get_ident = _original(_thread, "get_ident")
start_new_thread = _original(_thread, "start_new_thread")
sleep = _original(time, "sleep")
