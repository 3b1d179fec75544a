"""Who else holds the GIL while the main thread is blocked: asked by the thread that looks at it and wakes late."""

import _thread

from ._thread_files import ThreadFiles

#: Files of the standard library in which a thread waits: who stands there does not want the GIL.
WAITS = ("threading.py", "queue.py", "selectors.py", "socket.py", "ssl.py", "connection.py", "futures/thread.py")
MOST_THREADS = 32  # looked at for one sample


class GilWatch:
    """Made by the looking thread, for itself; ``main`` is the number of the thread that it looks at."""

    def __init__(self, main):
        self._me = _thread.get_ident()
        self._main = main
        self._files = ThreadFiles(_thread.get_native_id())
        self._delay = 0

    def held_by_others(self, late, active):
        """Nanoseconds of this thread's lateness for which another thread surely held the GIL.

        What is left of it after its own wait for a core is a wait for the GIL, since it does nothing else; and the main
        thread can hold the GIL only while it is ``active``, which is running or ready to.
        """
        before, self._delay = self._delay, self._files.run_delay()
        return late - (self._delay - before) - active

    def wanting(self, frames):
        """The frames of the threads beside both that want the GIL, or have it."""
        found = []
        for thread, frame in frames.items():
            if thread != self._me and thread != self._main and not frame.f_code.co_filename.endswith(WAITS):
                found.append(frame)
                if len(found) == MOST_THREADS:
                    break
        return found

    def close(self):
        self._files.close()
