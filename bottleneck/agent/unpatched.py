"""The interpreter's own thread functions, whatever gevent or eventlet put in their place.

Both replace attributes of ``_thread`` and ``time``, early in a program or long before ``profile()`` loads us. A green
thread in the place of a real one would run our code, its signal mask included, in the user's own thread.
"""

import _thread
import sys
import time


def _original(module, name):
    """The function that ``module.name`` was before anybody patched it."""
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
