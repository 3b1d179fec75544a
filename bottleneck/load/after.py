"""What a recorded server takes, and how long, once its first finding is fixed: capacity and 99th percentile.

The capacity now is that of the resource that is used up first (``behind``). The fix changes its places, or the work
that each request leaves there, and the next limit may end the gain. The 99th percentile is that of the same requests,
at the times at which they were planned, in a simulated queue for the changed resource. The simulation must first give
the percentile that was measured without the fix; where it does not, the queue is another one, and nothing is claimed.
Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..artifacts import Artifacts, Missing
from ..artifacts.serving.processes import ServerProcesses
from ..artifacts.serving.requests import Requests
from ..diagnosis.findings import Finding, Gain, QueueChange
from ..diagnosis.load_tests import After, Behind, Percentile, Range, Resource
from ..recording.model import Recording
from .queues import in_batches, in_turn, side_by_side
from .samples import Samples
from .summary import counts, latencies

Floats = npt.NDArray[np.float64]
_MOST_BUSY = 0.9  # of the capacity: beyond, a percentile says more of the length of the test than of the server
_ALIKE = 1.5  # measured over simulated percentile, or the reverse: beyond, the queue is another one
_LAW_ERROR = 0.1  # of a percentile, besides the error that the simulation without the fix has
_CAPACITY_ERROR = 0.15  # of a capacity that the next limit sets
_LEAST_REQUESTS = 100  # of a rate
_FASTEST = 5  # percentile of the latency of those who did not wait
_SHARES = 0.99  # of the work that a fix may save
_SEED = 1


@dataclass(frozen=True)
class Load:
    """Requests at one rate: when each was planned, ascending, and how long it took, in seconds."""

    rate: float
    planned: Floats
    seconds: Floats


@dataclass(frozen=True)
class Served:
    """``requests``: that were recorded; ``one_core``: per second at which the CPU time of a request now fills a core of
    each process; infinite where that is not known."""

    requests: int
    one_core: float = math.inf

    @classmethod
    def of(cls, recording: Recording) -> Served:
        artifacts = Artifacts(recording)
        try:
            requests = artifacts.get(Requests)
            processes = artifacts.get(ServerProcesses)
        except Missing:
            return cls(0)
        return cls(requests.count, processes.count * requests.per_second / max(processes.cores, 1e-9))


def after(found: Behind, findings: Sequence[Finding], loads: Sequence[Load], served: Served) -> After | None:
    """None without a limit, or without a finding that changes it."""
    first = next((each for each in findings if each.queue is not None and each.gain is not None), None)
    if first is None or found.limit is None or first.queue is None or first.gain is None:
        return None
    if first.gain.basis == "run" and not served.requests:
        return None
    limit, change = found.limit, first.queue
    work = limit.used / found.throughput
    shares = _shares(first.gain, work * served.requests)
    capacity = _capacity(found, change, shares, served.one_core)
    besides = max(0.0, min((float(np.percentile(load.seconds, _FASTEST)) for load in loads), default=work) - work)
    queues = [_queue(limit, change, work, share) for share in shares]
    now = _queue(limit, None, work, 0.0)
    percentiles = tuple(
        _percentile(load, now, queues, besides, load.rate < _MOST_BUSY * min(limit.capacity, capacity.value))
        for load in loads
        if len(load.seconds) >= _LEAST_REQUESTS
    )
    return After(first.detector, limit.capacity, capacity, percentiles)


def _shares(gain: Gain, worked: float) -> tuple[float, float, float]:
    """Of the work at the limit. ``worked``: seconds of it, by which a gain of the run is measured."""
    scale = gain.seconds / max(gain.share * worked, 1e-9) if gain.basis == "run" else 1.0
    value, low, high = (min(_SHARES, scale * share) for share in (gain.share, gain.low, gain.high))
    return value, low, high


def _capacity(found: Behind, change: QueueChange, shares: tuple[float, float, float], one_core: float) -> Range:
    assert found.limit is not None
    now = found.limit.capacity
    if change.kind not in ("places", "threads"):  # what is behind the limit gets less to do, too
        return Range(*(now / (1.0 - share) for share in shares))
    more, then = now * change.factor, math.inf if found.then is None else found.then.capacity
    best = min(more, then, one_core if change.kind == "threads" else math.inf)
    return Range(best, best * (1 - _CAPACITY_ERROR), best * (1 + _CAPACITY_ERROR))


def by_rate(samples: Samples) -> list[Load]:
    """The requests of an open loop that were answered well, by their planned rate."""
    good = samples[counts(samples)]
    good = good[np.argsort(good["planned"], kind="stable")]
    parts = [good[good["rate"] == rate] for rate in np.unique(good["rate"])]
    return [Load(float(part["rate"][0]), part["planned"] / 1e9, latencies(part)) for part in parts]


Queue = Callable[[Floats], Floats]  # planned -> seconds at the limit


def _queue(limit: Resource, change: QueueChange | None, work: float, share: float) -> Queue:
    kind, factor = (change.kind, change.factor) if change else ("", 1.0)
    if kind == "batched":
        # A full pass takes the rows' time less the share: so much of one row's time is for any number of rows.
        fixed = min(1.0, share * factor / (factor - 1))
        return lambda planned: in_batches(planned, work, work * (1 - fixed), int(factor))
    if kind == "shorter":
        work *= 1 - share
    places = max(1.0, limit.places) * (factor if kind in ("places", "threads") else 1.0)

    def took(planned: Floats) -> Floats:
        each = np.full(len(planned), work)
        if kind == "skipped":
            each[np.random.default_rng(_SEED).random(len(planned)) < share] = 0.0
        return side_by_side(planned, each, places) if limit.shared else in_turn(planned, each, math.ceil(places))

    return took


def _percentile(load: Load, now: Queue, queues: list[Queue], besides: float, known: bool) -> Percentile:
    measured = float(np.percentile(load.seconds, 99))
    simulated = float(np.percentile(now(load.planned) + besides, 99))
    off = measured / simulated
    if not known or not 1 / _ALIKE <= off <= _ALIKE:
        return Percentile(load.rate, measured, None)
    values = [float(np.percentile(queue(load.planned) + besides, 99)) for queue in queues]
    low, high = min(values) * min(1.0, off) * (1 - _LAW_ERROR), max(values) * max(1.0, off) * (1 + _LAW_ERROR)
    return Percentile(load.rate, measured, Range(values[0], low, high))
