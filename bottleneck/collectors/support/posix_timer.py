"""A POSIX timer on the CPU clock of one thread. It signals that thread, and only while the thread uses a CPU."""

from _struct import pack

from ...agent import libc

_SIGEV_THREAD_ID = 4
_SIGEV_BYTES = 64
_CLOCK_THREAD_CPUTIME_ID = 3
_SECOND = 1_000_000_000


class Timer:
    """Sends ``signal_number`` to the calling thread, which must be ``native_id``, as it uses CPU time."""

    def __init__(self, signal_number, native_id):
        self._settime = libc.function("timer_settime")
        self._delete = libc.function("timer_delete")
        self._id = libc.Long()
        event = pack("<Qiii", 0, signal_number, _SIGEV_THREAD_ID, native_id).ljust(_SIGEV_BYTES, b"\0")
        clock = libc.Int(_CLOCK_THREAD_CPUTIME_ID)
        libc.check(libc.function("timer_create")(clock, event, libc.byref(self._id)))

    def set(self, first_ns, interval_ns):
        """First expiry after ``first_ns`` of CPU time, then every ``interval_ns``; 0, 0 stops it."""
        times = pack("@llll", interval_ns // _SECOND, interval_ns % _SECOND, first_ns // _SECOND, first_ns % _SECOND)
        libc.check(self._settime(self._id, 0, times, None))

    def delete(self):
        """Delete the timer. If the owning thread calls this, signals already sent have been delivered."""
        self._delete(self._id)
