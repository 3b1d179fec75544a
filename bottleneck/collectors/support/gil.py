"""Who else holds the GIL while the main thread is blocked: asked by the thread that looks at it and wakes late."""

from _thread import get_native_id

from ...agent.unpatched import get_ident
from .thread_files import ThreadFiles

PROMPT_NS = 3_000_000  # woken later than this, somebody held the GIL: most likely the main thread, running
#: Files of the standard library in which a thread waits: who stands there does not want the GIL.
WAITS = ("threading.py", "queue.py", "selectors.py", "socket.py", "ssl.py", "connection.py", "futures/thread.py")
MAX_THREADS = 32  # looked at for one sample
FAIR_SHARE = 4  # a thread that holds the GIL may wait for a core itself; it gets at least a quarter of one


class GilWatch:
    """Made by the looking thread, for itself; ``main`` is the number of the thread that it looks at."""

    def __init__(self, main):
        self._me = get_ident()
        self._main = main
        self._files = ThreadFiles(get_native_id())
        self.falls_asleep()

    def falls_asleep(self):
        """The looking thread sleeps next: what it waited for a core so far has nothing to do with how late it wakes."""
        self._delay = self._files.run_delay()

    def waited(self, late):
        """How long this thread, which woke ``late`` nanoseconds after it should have, waited for the GIL.

        It is what is left of the lateness after its own wait for a core, since it does nothing else.
        """
        return late if late < PROMPT_NS else late - (self._files.run_delay() - self._delay)

    def held_by_others(self, late, others):
        """Whether another thread than the main one held the GIL, which this one waited for.

        Threads beside the main one, which ran for ``others`` nanoseconds since the last look, must have run meanwhile.
        """
        return late >= PROMPT_NS and others >= late / FAIR_SHARE

    def wanting(self, frames):
        """The frames of the threads beside both that want the GIL, or have it."""
        found = []
        for thread, frame in frames.items():
            if thread != self._me and thread != self._main and not frame.f_code.co_filename.endswith(WAITS):
                found.append(frame)
                if len(found) == MAX_THREADS:
                    break
        return found

    def close(self):
        self._files.close()
