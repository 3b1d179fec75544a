"""What ``Growth`` looks at beside containers: resident memory, torch's CUDA allocator, Python's garbage collector."""

import gc
import os
import sys

from ...agent.recorder import now

_EVERY_MASK = 3  # one look in four: a step in 64, then rarer
_MAX_NOTES = 512  # then half as often, and so on
_GROWN_BYTES = 16 << 20
_MIN_COLLECTED_NS = 20_000_000  # less than that is not worth a note


class ResidentMemory:
    """Resident bytes of this process, from a descriptor that stays open."""

    def __init__(self):
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        self._pid = 0
        self._statm = -1

    def __call__(self):
        """0 where there is no /proc."""
        if self._pid != os.getpid():  # a descriptor from before a fork shows the parent
            self._pid = os.getpid()
            try:
                self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                self._statm = -1
        if self._statm < 0:
            return 0
        return int(os.pread(self._statm, 128, 0).split()[1]) * self._page


class DeviceWatch:
    """Notes what torch's caching allocator holds on the current CUDA device. It is asked on the host: nothing waits."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.calls = 0
        self.notes = 0
        self.mask = _EVERY_MASK
        self.base = None
        self.grown = False  # tensors hold more than at first: somebody may keep them

    def __call__(self):
        self.calls += 1
        cuda = getattr(sys.modules.get("torch"), "cuda", None)
        if self.calls & self.mask or cuda is None or not cuda.is_initialized():
            return
        stats = cuda.memory_stats_as_nested_dict()
        held, segments = stats["allocated_bytes"]["all"], stats["segment"]["all"]
        self.base = held["current"] if self.base is None else self.base
        self.grown = held["current"] - self.base >= _GROWN_BYTES
        self.notes += 1
        if not self.notes % _MAX_NOTES:
            self.mask = 2 * self.mask + 1
        self.recorder.note(
            "device_memory",
            time_ns=now(),
            allocated_bytes=int(held["current"]),
            peak_bytes=int(held["peak"]),
            reserved_bytes=int(stats["reserved_bytes"]["all"]["current"]),
            total_bytes=int(cuda.get_device_properties(cuda.current_device()).total_memory),
            retries=int(stats.get("num_alloc_retries", 0)),
            device_allocations=int(segments["allocated"]),
            device_frees=int(segments["freed"]),
        )


class CollectorWatch:
    """Adds up the time of full collections that Python begins by itself; called ones have a line of their own.

    It notes the sum so far at the first look and whenever it has grown.
    """

    def __init__(self, recorder):
        self.recorder = recorder
        self.total = self.count = self.started = 0
        self.noted = None

    def attach(self):
        # From 3.14 on the generations mean something else.
        if sys.version_info < (3, 14) and self.collecting not in gc.callbacks:
            gc.callbacks.append(self.collecting)

    def detach(self):
        if self.collecting in gc.callbacks:
            gc.callbacks.remove(self.collecting)

    def collecting(self, phase, info, now=now, counts=gc.get_count, thresholds=gc.get_threshold):
        """Python calls it around every collection; most are of young objects."""
        if info["generation"] < 2:
            return
        if phase == "start":
            self.started = now() if counts()[2] > thresholds()[2] else 0
        elif self.started:
            self.total += now() - self.started
            self.count += 1
            self.started = 0

    def __call__(self):
        if self.noted is not None and self.total - self.noted < _MIN_COLLECTED_NS:
            return
        self.noted = self.total
        self.recorder.note("collections", time_ns=now(), total_ns=self.total, count=self.count)
