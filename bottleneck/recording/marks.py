"""When the device got to the borders between the phases of a process, on the clock of the recording.

A mark has two times: the host passes the border, and later the device has done all that was queued before it. The
device's clock runs like ours but may be ahead. It cannot be behind the host: the least distance between the two times
is that of the clocks. Where the device was never idle, we know better from when it was last seen not to be there yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import signals
from . import intervals
from .model import Recording, Records

_DRIFT = 50e-6  # between the clocks of host and device, at most
EMPTY_NS = 100_000  # a mark takes the device some microseconds, even with nothing queued before it
_PHASE = 0xFF

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Marks:
    """The marks of one process in the order of the host. ``host``, ``device``: the two times of each (ns); ``phase``,
    ``ends``: the phase that ends there, or that begins; ``joined``: no border is missing between it and the next."""

    host: Ints
    device: Ints
    phase: Ints
    ends: Bools
    joined: Bools
    empty: Bools

    @property
    def count(self) -> int:
        return len(self.host)

    @property
    def pending(self) -> Ints:
        """How long after each mark, up to the next, the device had work that was queued before (ns); 0 if not joined"""
        if not self.count:
            return np.empty(0, "i8")
        following = np.append(self.host[1:], self.host[-1])
        found: Ints = np.where(self.joined & ~self.empty, np.minimum(self.device, following) - self.host, 0)
        return np.maximum(found, 0)


def marks_of(recording: Recording, process: int) -> Marks:
    """The marks of a process; none if it used no device, or if that could not be timed."""
    rows = recording.marks[recording.marks["process"] == process]
    rows = rows[np.argsort(rows["t0"], kind="stable")]
    host = rows["t0"].astype("i8")
    stretch = rows["arg"] & np.uint64((1 << signals.WAITED_AT) - 1)
    ahead = rows["t1"] - host
    device = rows["t1"] - _offset(host, ahead - _micros(rows, signals.WAITED_AT, signals.MOST_WAITED))
    put = host + _micros(rows, signals.TOOK_AT, signals.MOST_TOOK)
    return Marks(
        host=host,
        device=np.maximum(device, host),
        phase=(rows["flags"] & _PHASE).astype("i8"),
        ends=(rows["flags"] & signals.DEVICE_END) > 0,
        joined=np.append(stretch[1:] == stretch[:-1], False) if len(rows) else np.empty(0, bool),
        empty=device <= put + EMPTY_NS,
    )


def _offset(at: Ints, ahead: Ints) -> Ints:
    """By how much the device's clock is ahead at each of these times: the lower envelope, as far as clocks drift."""
    if not len(at):
        return ahead
    drift = (_DRIFT * (at - at[0])).astype("i8")
    before = np.minimum.accumulate(ahead - drift) + drift
    after = np.minimum.accumulate((ahead + drift)[::-1])[::-1] - drift
    found: Ints = np.minimum(before, after)
    return found


def _micros(rows: Records, at: int, most: int) -> Ints:
    """A field of the argument, in ns."""
    found: Ints = (rows["arg"] >> np.uint64(at) & np.uint64(most)).astype("i8") * 1000
    return found


def within(times: Ints, starts: Ints, ends: Ints) -> Bools:
    """Which of these times lie in one of the spans, their begins included."""
    return intervals.within(times, starts - 1, ends)
