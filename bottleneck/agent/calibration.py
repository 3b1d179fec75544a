"""Measures the overhead of one recorded call on this machine, for the report. Runs after the program has ended."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .. import signals
from ..collectors import BaseCollector
from .recorder import Recorder
from .ring import NullRing

_CALLS = 100
#: A real hook takes this many times as long as the one measured here, since a training step also evicts its code.
#: Own measurement (benchmarks/overhead.py): 34 us for the four records of a step, 2.9 us for one call here.
_IN_A_STEP = 3.0
_CACHE_BYTES = 1 << 20  # copied between calls to evict the caches: real hooks run rarely, with cold caches


def call_seconds() -> float | None:
    """CPU seconds that recording adds to one call of a hooked function; None if no ring can be created.

    Median of the hooked minus median of the bare function, with cold caches, and what a real step adds to that; about
    20 ms of CPU time.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / signals.LIVE).mkdir()
        collector = BaseCollector()
        collector.recorder, collector.on = Recorder(folder), True
        if isinstance(collector.recorder.ring(), NullRing):
            return None
        more = _cold_ns(collector.phase(_nothing, signals.FORWARD)) - _cold_ns(_nothing)
        return max(0.0, more) * _IN_A_STEP / 1e9


def _nothing() -> None:
    pass


def _cold_ns(function: Callable[[], None]) -> float:
    """Median thread CPU time of one call in nanoseconds."""
    source, target = bytes(_CACHE_BYTES), bytearray(_CACHE_BYTES)
    spent = []
    for _ in range(_CALLS):
        target[:] = source
        before = time.thread_time_ns()
        function()
        spent.append(time.thread_time_ns() - before)
    return statistics.median(spent)
