"""Served requests: how long they took, how many were in flight at once, and what blocked the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts import ModelCall, Serving
from ...recording.model import Recording, Records, Site
from .. import Absent
from .blocks import Block, blocks_of

Floats = npt.NDArray[np.float64]
Spans = list[tuple[int, int]]
_P99 = 99.0


@dataclass(frozen=True)
class Route:
    """One "METHOD route status", with the seconds that each of its requests spent inside the application."""

    name: str
    seconds: Floats


@dataclass(frozen=True)
class Pool:
    """anyio's thread pool, sampled at the heartbeats while it was in use."""

    limit: int
    mean_borrowed_threads: float
    most_waiting: int


@dataclass(frozen=True)
class Requests:
    """The requests of the process that served most. Times in ns of the run's clock, durations in seconds.

    ``in_flight``: at each arrival, including the new request. ``batch_sizes``, ``model_seconds``, ``model_in_flight``:
    one value per outermost forward while serving. ``model_site``: the line that calls the model.
    """

    process: int
    start_ns: npt.NDArray[np.int64]
    end_ns: npt.NDArray[np.int64]
    in_flight: npt.NDArray[np.int64]
    routes: tuple[Route, ...]
    blocks: tuple[Block, ...]
    batch_sizes: npt.NDArray[np.int64]
    model_seconds: Floats
    model_in_flight: npt.NDArray[np.int64]
    model_site: Site | None
    pool: Pool | None
    began_ns: int
    ended_ns: int

    @property
    def count(self) -> int:
        return len(self.start_ns)

    @property
    def seconds(self) -> Floats:
        """Latency inside the application, per request."""
        return (self.end_ns - self.start_ns).astype(float) / 1e9

    @property
    def window_seconds(self) -> float:
        """Seconds from the first arrival to the last response."""
        return max(float(self.end_ns.max() - self.start_ns.min()) / 1e9, 1e-9)

    @property
    def per_second(self) -> float:
        return self.count / self.window_seconds

    @property
    def p50_seconds(self) -> float:
        return float(np.percentile(self.seconds, 50))

    @property
    def p99_seconds(self) -> float:
        return float(np.percentile(self.seconds, _P99))

    @property
    def handler_spans(self) -> Spans:
        """Merged intervals with at least one request inside."""
        return _union(zip(self.start_ns.tolist(), self.end_ns.tolist(), strict=True))

    @property
    def busy_seconds(self) -> float:
        return _seconds_of(self.handler_spans)

    @property
    def user_blocks(self) -> tuple[Block, ...]:
        """Blocks caused by a line of the user's while requests were being served."""
        first, last = int(self.start_ns.min()), int(self.end_ns.max())
        return tuple(b for b in self.blocks if b.site is not None and b.end_ns > first and b.start_ns < last)

    @property
    def concurrency(self) -> float:
        """Requests wanting service at once, in flight or queued behind a blocked loop; mean over requests."""
        inside = float(self.in_flight.mean()) if self.count else 0.0
        hidden = [b.waiting for b in self.user_blocks]
        return max(inside, float(np.average(hidden, weights=hidden)) if hidden else 0.0)

    def occupancy(self, process: int) -> list[tuple[str, float, Spans]]:
        """[(phase, seconds, intervals)] of ``process``: serve.handler while a request is in flight, otherwise
        serve.idle.

        A loop that is blocked before requests get in is not idle: that time is serve.blocked.
        """
        if process != self.process:
            return []
        handler = self.handler_spans
        outside = _without([(self.began_ns, self.ended_ns)], handler)
        idle = _without(outside, _union((block.start_ns, block.end_ns) for block in self.user_blocks))
        blocked = _without(outside, idle)
        phases = {"serve.handler": handler, "serve.blocked": blocked, "serve.idle": idle}
        return [(name, _seconds_of(spans), spans) for name, spans in phases.items() if spans or name != "serve.blocked"]

    @classmethod
    def compute(cls, recording: Recording) -> Requests:
        records = recording.requests
        served = records[records["kind"] == signals.REQUEST]
        if not len(served):
            raise Absent("No requests were served by an ASGI application.")
        processes, counts = np.unique(served["process"], return_counts=True)
        process = int(processes[np.argmax(counts)])
        records = records[records["process"] == process]
        served = records[records["kind"] == signals.REQUEST]
        served = served[np.argsort(served["t0"], kind="stable")]
        calls = records[records["kind"] == signals.MODEL_CALL]
        first, last = int(served["t0"].min()), int(served["t1"].max())
        calls = calls[(calls["t1"] > first) & (calls["t0"] < last)]
        marks = recording.facts.of_process(Serving, process)
        ends = [mark.time_ns for mark in marks if mark.event == "end"]
        return cls(
            process=process,
            start_ns=served["t0"].astype(np.int64),
            end_ns=served["t1"].astype(np.int64),
            in_flight=served["flags"].astype(np.int64),
            routes=_routes(recording, process, served),
            blocks=blocks_of(recording, process, records[records["kind"] == signals.LAG], served),
            batch_sizes=calls["arg"].astype(np.int64),
            model_seconds=(calls["t1"] - calls["t0"]).astype(float) / 1e9,
            model_in_flight=calls["flags"].astype(np.int64),
            model_site=_model_site(recording, process),
            pool=_pool(records[records["kind"] == signals.POOL]),
            began_ns=first,
            ended_ns=max([last, *ends]),
        )


def _routes(recording: Recording, process: int, served: Records) -> tuple[Route, ...]:
    seconds = (served["t1"] - served["t0"]).astype(float) / 1e9
    names = [recording.facts.strings.get((process, int(arg)), "(unnamed)") for arg in served["arg"]]
    of: dict[str, list[float]] = {}
    for name, value in zip(names, seconds.tolist(), strict=True):
        of.setdefault(name, []).append(value)
    return tuple(Route(name, np.array(values)) for name, values in sorted(of.items(), key=lambda i: -sum(i[1])))


def _model_site(recording: Recording, process: int) -> Site | None:
    """The call site seen most often; the notes hold running counts per site."""
    counts: dict[int, int] = {}
    for call in recording.facts.of_process(ModelCall, process):
        counts[call.site] = call.count
    if not counts:
        return None
    return recording.facts.sites.get((process, max(counts, key=lambda site: counts[site])))


def _pool(records: Records) -> Pool | None:
    if not len(records):
        return None
    borrowed, limits = records["arg"] >> np.uint64(32), records["arg"] & np.uint64(0xFFFFFFFF)
    return Pool(int(limits.max()), float(borrowed.astype(float).mean()), int(records["flags"].max()))


def _union(spans: Any) -> Spans:
    merged: Spans = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _without(spans: Spans, cut: Spans) -> Spans:
    """The parts of ``spans`` outside ``cut``; both are sorted and free of overlaps."""
    left: Spans = []
    at = 0
    for start, end in spans:
        while at < len(cut) and cut[at][0] < end:
            begin, finish = cut[at]
            if begin > start:
                left.append((start, begin))
            start = max(start, finish)
            if finish > end:
                break  # it may also cover part of the next span
            at += 1
        if end > start:
            left.append((start, end))
    return left


def _seconds_of(spans: Spans) -> float:
    return sum(end - start for start, end in spans) / 1e9
