"""Finds out which thread holds the GIL while the main thread is blocked, from how late the sampling thread wakes up."""

from _thread import get_native_id

from ...agent.unpatched import get_ident
from .thread_files import ThreadFiles

PROMPT_NS = 3_000_000  # a later wake-up means that a thread held the GIL, most likely the main thread
#: Files of the standard library in which a thread waits: who stands there does not want the GIL.
WAITS = ("threading.py", "queue.py", "selectors.py", "socket.py", "ssl.py", "connection.py", "futures/thread.py")
MAX_THREADS = 32  # inspected per sample
FAIR_SHARE = 4  # the GIL's holder may wait for a core too; it gets at least a quarter of one


class GilWatch:
    """Belongs to the sampling thread; ``main``: the ident of the thread that it samples."""

    def __init__(self, main):
        self._me = get_ident()
        self._main = main
        self._files = ThreadFiles(get_native_id())
        self.falls_asleep()

    def falls_asleep(self):
        """Call before the sampling thread sleeps: earlier waits for a core do not explain a late wake-up."""
        self._delay = self._files.run_delay()

    def waited(self, late):
        """How long this thread waited for the GIL, in ns, given that it woke ``late`` nanoseconds after its deadline.

        This is the delay minus its own wait for a core, since it does nothing else.
        """
        return late if late < PROMPT_NS else late - (self._files.run_delay() - self._delay)

    def held_by_others(self, late, others):
        """Whether a thread other than the main one held the GIL while this thread waited for it.

        Those threads ran for ``others`` nanoseconds since the last sample; that must be enough to explain the wait.
        """
        return late >= PROMPT_NS and others >= late / FAIR_SHARE

    def wanting(self, frames):
        """The frames of all other threads that hold the GIL or wait for it."""
        found = []
        for thread, frame in frames.items():
            if thread != self._me and thread != self._main and not frame.f_code.co_filename.endswith(WAITS):
                found.append(frame)
                if len(found) == MAX_THREADS:
                    break
        return found

    def close(self):
        self._files.close()
