"""How often the program saves its state, how long that takes, and how much it writes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.intervals import spans_of, union
from ...recording.model import Recording, Records
from .. import Absent
from ..run.host import Host
from .checkpoints import Checkpoints
from .steps import Steps

_SAMPLE_NS = 150_000_000  # bytes are sampled ten times a second: what a save writes may show so much later


@dataclass(frozen=True)
class Saves:
    """``seconds``: of one save, on average; ``interval_seconds``: from the end of one to the start of the next, None
    with a single one; ``start_seconds``: from the start of the program to its first step, as a restart takes;
    ``bytes``: written by one save, None if not measured."""

    count: int
    seconds: float
    interval_seconds: float | None
    start_seconds: float
    bytes: float | None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, checkpoints: Checkpoints, host: Host | None) -> Saves:
        count = len(checkpoints.seconds)
        if not count:
            raise Absent("No checkpoint was saved between the steps.")
        events = recording.events
        events = events[(events["process"] == steps.process) & (events["kind"] == signals.CHECKPOINT)]
        inside = (events["t1"] > steps.rows["t0"][0]) & (events["t0"] <= steps.rows["t1"][-1])
        starts = np.sort(events["t0"][inside])
        each = checkpoints.total_seconds / count
        period = float(starts[-1] - starts[0]) / 1e9 / (count - 1) if count > 1 and len(starts) else 0.0
        start = max(0.0, float(steps.rows["t0"][0] - recording.started_ns) / 1e9)
        return cls(count, each, period - each if period > each else None, start, _bytes(host, events, count))


def _bytes(host: Host | None, saves: Records, count: int) -> float | None:
    """Written while the program saves, per save; None where it was not sampled."""
    edges = union([spans_of(saves["t0"], saves["t1"] + _SAMPLE_NS)]).reshape(-1)
    risen = None if host is None else host.rises("write_bytes_total", edges)
    return None if risen is None else float(risen[::2].sum()) / count
