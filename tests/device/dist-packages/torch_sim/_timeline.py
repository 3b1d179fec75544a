"""The simulated device's time: streams whose queue empties at a known moment, events, and a host that waits for them.

Nothing runs in the background. A stream knows when its queued work ends, so an event knows when it will be complete,
and the host that waits really waits until then.
"""

import hashlib
import os
import struct
import threading
from time import monotonic_ns, sleep

_LIMIT = 1024  # launches that fit in a queue: the next one waits for room, as on a real device


def _setting(name, default):
    return float(os.environ.get("TORCH_SIM_" + name, default))


KERNEL_NS = 1e3 * _setting("KERNEL_US", 10)  # the shortest kernel
FLOP_NS = 1e9 / _setting("FLOPS", 5e9)
BYTE_NS = 1e9 / _setting("BYTES_PER_SECOND", 20e9)  # of the device's memory
COPY_NS = 1e3 * _setting("COPY_US", 10)  # the shortest copy between host and device
COPY_BYTE_NS = 1e9 / _setting("COPY_BYTES_PER_SECOND", 1e9)  # of the link to the host, from pinned memory
PAGEABLE_FACTOR = _setting("PAGEABLE_FACTOR", 3)  # as much slower from pageable memory
DEVICES = int(_setting("DEVICES", 1))
SPINS = os.environ.get("TORCH_SIM_WAITS", "spin") == "spin"  # the host waits at 100 % CPU, as CUDA does by default

_TURN = 1000  # of the native loop that spins, to measure how long one takes


def _native_spin(turns):
    hashlib.pbkdf2_hmac("sha256", b"", b"", turns)  # one native call that releases the GIL


def _timed_turn():
    """Nanoseconds that one turn of the native loop takes."""
    begun = monotonic_ns()
    _native_spin(_TURN)
    return (monotonic_ns() - begun) / _TURN


_turn_ns = 0.0


def wait_until(at):
    """Block the calling thread until ``at`` (monotonic ns), in native code without the GIL."""
    global _turn_ns
    while (left := at - monotonic_ns()) > 0:
        if not SPINS:
            sleep(left / 1e9)
            continue
        _turn_ns = _turn_ns or min(_timed_turn() for _ in range(5))
        _native_spin(max(1, int(0.9 * left / _turn_ns)))


class Stream:
    """Work of one device in order; ``ends``: when the last of it is done (monotonic ns)."""

    def __init__(self, device=None, priority=0, **kwargs):
        self.index = index_of(device)
        self.ends = 0
        self._queued = []

    def launch(self, ns):
        """Queue work that takes the device ``ns``; returns when it ends. Waits while the queue is full."""
        now = monotonic_ns()
        if len(self._queued) >= _LIMIT:
            self._queued = [end for end in self._queued if end > now]
            if len(self._queued) >= _LIMIT:
                wait_until(self._queued[-_LIMIT])
        self.ends = max(self.ends, monotonic_ns()) + int(ns)
        self._queued.append(self.ends)
        return self.ends

    def query(self):
        _touched_by_capture()
        return monotonic_ns() >= self.ends

    def synchronize(self):
        _touched_by_capture()
        wait_until(self.ends)

    def wait_event(self, event):
        self.ends = max(self.ends, event.at)

    def wait_stream(self, other):
        self.ends = max(self.ends, other.ends)

    def record_event(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def __enter__(self):
        self._outer = _current.device, _current.streams[self.index]
        _current.device, _current.streams[self.index] = self.index, self
        return self

    def __exit__(self, *error):
        _current.device, _current.streams[self.index] = self._outer


class Event:
    """A point in a stream's queue."""

    made = 0  # how many there ever were

    def __init__(self, enable_timing=False, blocking=False, interprocess=False):
        _touched_by_capture()
        Event.made += 1
        self._timing = enable_timing
        self.at = 0

    def record(self, stream=None):
        _touched_by_capture()
        self.at = max((stream or current_stream()).ends, monotonic_ns())

    def query(self):
        _touched_by_capture()
        return monotonic_ns() >= self.at

    def synchronize(self):
        _touched_by_capture()
        wait_until(self.at)

    def wait(self, stream=None):
        (stream or current_stream()).wait_event(self)

    def elapsed_time(self, end):
        """Milliseconds, as a float32."""
        _touched_by_capture()
        if not (self._timing and end._timing and self.at and end.at):
            raise ValueError("both events must be recorded, and made with enable_timing=True")
        if monotonic_ns() < max(self.at, end.at):
            raise RuntimeError("an event is not complete yet: device not ready")
        return struct.unpack("f", struct.pack("f", (end.at - self.at) / 1e6))[0]


def index_of(device=None):
    """The index of a device that is given in any of torch's ways; of the current one if none is given."""
    if isinstance(device, str):
        number = device.partition(":")[2]
        device = int(number) if number else None
    elif device is not None and not isinstance(device, int):
        device = device.index
    return current_device() if device is None else device


class _Current(threading.local):
    """The current device of each thread, and its current stream on each."""

    def __init__(self):
        self.device = 0
        self.streams = list(_defaults)


_defaults = []
_current = _Current()


def current_device():
    return _current.device


def set_device(device):
    _current.device = index_of(device)


_defaults += [Stream(index) for index in range(DEVICES)]
_current.streams += _defaults


class Graph:
    """``with Graph():`` captures what this thread does; meanwhile no thread may make, record or ask an event.

    ``broken``: whether one did.
    """

    capturing = None
    thread = 0

    def __init__(self):
        self.broken = False

    def capture_begin(self, *args, **kwargs):
        Graph.capturing = self
        Graph.thread = threading.get_ident()

    def capture_end(self):
        Graph.capturing = None
        Graph.thread = 0

    def __enter__(self):
        self.capture_begin()
        return self

    def __exit__(self, *error):
        self.capture_end()


def _touched_by_capture():
    if Graph.capturing is not None:
        Graph.capturing.broken = True


def is_current_stream_capturing():
    return Graph.thread == threading.get_ident()


def current_stream(device=None):
    return _current.streams[index_of(device)]


def default_stream(device=None):
    return _defaults[index_of(device)]


def stream(chosen):
    return chosen


def synchronize(device=None):
    _touched_by_capture()
    wait_until(default_stream(device).ends)
    wait_until(current_stream(device).ends)
