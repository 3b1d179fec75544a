"""The other things that ``Growth`` watches: resident memory, torch's allocator on a device, the garbage collector."""

import gc
import os
import sys

from ...agent.accelerator import module_in_use
from ...agent.descriptors import open_high
from ...agent.recorder import now

_EVERY_MASK = 3  # one look in four: one step in 64, later fewer
_MAX_NOTES = 512  # then half as often, and so on
_GROWN_BYTES = 16 << 20
_MIN_COLLECTED_NS = 20_000_000  # less is not worth a note


class ResidentMemory:
    """Resident bytes of this process, from a descriptor that stays open."""

    def __init__(self):
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        self._pid = 0
        self._statm = -1

    def __call__(self):
        """Resident bytes; 0 if there is no /proc."""
        if self._pid != os.getpid():  # a descriptor opened before a fork shows the parent
            self._pid = os.getpid()
            try:
                self._statm = open_high("/proc/self/statm", os.O_RDONLY)
            except OSError:
                self._statm = -1
        if self._statm < 0:
            return 0
        return int(os.pread(self._statm, 128, 0).split()[1]) * self._page


class DeviceWatch:
    """Notes the memory in torch's caching allocator on the current device. A host-side read that never blocks."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.calls = 0
        self.notes = 0
        self.mask = _EVERY_MASK
        self.base = None
        self.grown = False  # tensors use more than at first: the program may be keeping them

    def __call__(self):
        self.calls += 1
        if self.calls & self.mask:
            return
        _, module = module_in_use("memory_stats_as_nested_dict", "get_device_properties")
        if module is None:
            return
        stats = module.memory_stats_as_nested_dict()
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
            total_bytes=int(module.get_device_properties(module.current_device()).total_memory),
            retries=int(stats.get("num_alloc_retries", 0)),
            device_allocations=int(segments["allocated"]),
            device_frees=int(segments["freed"]),
        )


class CollectorWatch:
    """Sums the time of automatic full garbage collections; explicit ones appear at the line that calls them.

    It notes the sum at the first look and whenever it has grown.
    """

    def __init__(self, recorder):
        self.recorder = recorder
        self.total = self.count = self.started = 0
        self.noted = None

    def attach(self):
        # Since 3.14 the generations mean something else.
        if sys.version_info < (3, 14) and self.collecting not in gc.callbacks:
            gc.callbacks.append(self.collecting)

    def detach(self):
        if self.collecting in gc.callbacks:
            gc.callbacks.remove(self.collecting)

    def collecting(self, phase, info, now=now, counts=gc.get_count, thresholds=gc.get_threshold):
        """Called by Python before and after every collection; most are of young objects."""
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
