"""The memory-mapped ring buffer for the records of one thread. It has one writer and no lock, and survives a kill.

Runs inside the user's process. A put costs about half a microsecond.
"""

import os
from _struct import Struct
from time import monotonic_ns, time_ns

from .. import signals
from ..signals import DATA_AT, HEADER, HIST_AT, PHASE_COUNT, TOTALS_AT
from .descriptors import mapped

pack_header = Struct(HEADER).pack_into
now = monotonic_ns
MOST_FLAGS = 0xFFFF
_WRITTEN = signals.WRITTEN_AT // 8
_DATA = DATA_AT // 8
_TOTALS = TOTALS_AT // 8
_HIST = HIST_AT // 8


class Ring:
    """The records of one thread, with exactly one writer. ``phase``: the thread's innermost open phase. ``open``: its
    open optimizer steps as (optimizer id, enclosing phase, start). ``skip``: above 0 while the phases of a step are not
    recorded, counted down by backward passes; ``infers``: passes without gradients are left out, too. ``governors``: by
    loop. ``clock``: of the device that this thread gives work to, if it is timed."""

    __slots__ = (
        "_map", "_mask", "_words", "clock", "governors", "infers", "number", "on", "open", "phase", "skip", "written",
    )  # fmt: skip

    def __init__(self, path, number, capacity):
        size = DATA_AT + capacity * signals.RECORD_BYTES
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # Reserve the space now: the first write to a sparse file on a full disk would raise SIGBUS.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            else:
                os.ftruncate(descriptor, size)
            self._map = mapped(descriptor, size)
        except BaseException:
            os.unlink(path)
            raise
        finally:
            os.close(descriptor)
        self._words = memoryview(self._map).cast("B").cast("Q")
        self._mask = capacity - 1
        self.number = number
        self.open = []
        self.phase = 0
        self.written = 0
        self.skip = 0
        self.infers = False
        self.governors = {}
        self.clock = None
        self.on = True
        pack_header(
            self._map, 0, signals.MAGIC, signals.LAYOUT_VERSION, os.getpid(), 0, capacity, number, now(), time_ns()
        )

    def put(self, kind, flags, t0, t1, arg):
        """Append one record (times in ns). The record is written in full before its index is published.

        Word by word, as ``signals.RECORD`` says: ``struct`` takes 3 us in a server whose caches have lost its code.
        """
        if flags > MOST_FLAGS:
            raise OverflowError("flags of a record of kind %d" % kind)
        written, words = self.written, self._words
        at = _DATA + ((written & self._mask) << 2)
        words[at] = t0
        words[at + 1] = t1
        words[at + 2] = kind | flags << 32 | self.number << 48
        words[at + 3] = arg
        self.written = words[_WRITTEN] = written + 1

    def spent(self, ns):
        """Add CPU nanoseconds to the recording overhead of this ring's thread; the sum survives a kill."""
        self._words[_TOTALS] += 1
        self._words[_TOTALS + 1] += ns

    def skipped(self, count, t0, t1, loop, flags):
        """Record a stretch of ``count`` steps that were not recorded in full (ns)."""
        self._words[_TOTALS + 2] += count
        self._words[_TOTALS + 3] += t1 - t0
        self.put(signals.SKIPPED, flags, t0, t1, loop | count << 32)

    def count(self, phase):
        """How often ``phase`` has ended in this thread."""
        first = _TOTALS + phase * PHASE_COUNT * 2
        return sum(self._words[first : first + PHASE_COUNT * 2 : 2])

    def close(self, phase, outer, t0, arg=0, flags=0):
        """End ``phase``, begun at ``t0`` inside ``outer``: update totals, histogram, put a record. Returns t1 in ns."""
        t1 = now()
        self.phase = outer
        words = self._words
        cell = _TOTALS + (phase * PHASE_COUNT + outer) * 2
        words[cell] += 1
        words[cell + 1] += t1 - t0
        words[_HIST + (phase << 6) + (t1 - t0).bit_length()] += 1
        written = self.written
        at = _DATA + ((written & self._mask) << 2)
        words[at] = t0
        words[at + 1] = t1
        words[at + 2] = phase | (flags | outer) << 32 | self.number << 48
        words[at + 3] = arg
        self.written = words[_WRITTEN] = written + 1
        if self.clock is not None:
            self.clock.mark(self, phase | signals.DEVICE_END, t1)
        return t1


class TimedRing(Ring):
    """A ring for a recording with a fixed end time: the first record after that time calls ``end``."""

    __slots__ = ("_end", "_until")

    def __init__(self, path, number, capacity, until, end):
        Ring.__init__(self, path, number, capacity)
        self._until = until
        self._end = end

    def put(self, kind, flags, t0, t1, arg):
        Ring.put(self, kind, flags, t0, t1, arg)
        if t1 >= self._until:
            self._end()

    def close(self, phase, outer, t0, arg=0, flags=0):
        t1 = Ring.close(self, phase, outer, t0, arg, flags)
        if t1 >= self._until:
            self._end()
        return t1


class NullRing:
    """Discards records; used when a ring could not be created."""

    __slots__ = ("clock", "governors", "infers", "number", "open", "phase", "skip", "written")
    on = False

    def __init__(self):
        self.number = 0
        self.open = []
        self.phase = 0
        self.written = 0
        self.skip = 0
        self.infers = False
        self.governors = {}
        self.clock = None

    def skipped(self, count, t0, t1, loop, flags):
        pass

    def count(self, phase):
        return 0

    def put(self, kind, flags, t0, t1, arg):
        pass

    def close(self, phase, outer, t0, arg=0, flags=0):
        self.phase = outer
        return now()
