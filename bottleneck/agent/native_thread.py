"""A thread of ours that Python does not count: ``_thread._count()`` is the number of the program's threads."""

import sys

from .unpatched import start_new_thread

_waiting = []  # (function, arguments) of threads that are just starting
_c = []  # the C functions, once they are made, with the body of all our threads


def start(function, *args):
    """Run ``function(*args)``, which must not raise, in a new thread."""
    try:
        libc, create, detach, body = _c or _functions()
    except (ImportError, OSError, AttributeError, MemoryError, TypeError):  # no C library, or no executable memory
        start_new_thread(function, args)
        return
    _waiting.append((function, args))
    thread, nothing = libc.Long(), libc.Pointer()
    if libc.number(create(libc.byref(thread), nothing, body, nothing)):
        _waiting.remove((function, args))
        raise RuntimeError("can't start new thread")  # as Python says it
    detach(thread)


def _functions():
    if not sys.platform.startswith("linux"):
        raise OSError("not tried elsewhere")
    from . import libc

    def run(_):
        function, args = _waiting.pop(0)
        function(*args)

    _c[:] = libc, libc.function("pthread_create"), libc.function("pthread_detach"), libc.Callback(run)
    return _c
