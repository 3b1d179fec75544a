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
NAME_MASK = 0xFFFFFFFF  # of a REQUEST record's argument: the id of its name


@dataclass(frozen=True)
class Route:
    """One "METHOD route status", with the seconds that each of its requests spent inside the application.

    ``queue_seconds``: that each waited for the server before. ``size_bytes``: of each answer; both NaN where unknown.
    """

    name: str
    seconds: Floats
    queue_seconds: Floats
    size_bytes: Floats


@dataclass(frozen=True)
class Pool:
    """anyio's thread pool, sampled at the heartbeats while it was in use."""

    limit: int
    mean_borrowed_threads: float
    most_waiting: int


@dataclass(frozen=True)
class Requests:
    """The requests of the service that spent most time on its requests. Times in ns of the run's clock, durations in
    seconds.

    Several worker processes with one address are one service: ``processes``, of which ``process`` served most.
    ``served_by``: the process of each request. ``in_flight``: in its process at its arrival, including itself.
    ``queue_seconds``: from when the kernel received it until the server began with it, NaN where not measured; accurate
    to a tick of the kernel's clock (1 to 10 ms). ``size_bytes``: of its answer, NaN where unknown.
    ``batch_sizes``, ``model_seconds``, ``model_in_flight``: one value per outermost forward while serving.
    ``model_site``: the line that calls the model. ``server``: the library whose own applications these are: aiohttp,
    grpc, http.server or tornado; "" for ASGI and WSGI.
    """

    process: int
    processes: tuple[int, ...]
    served_by: npt.NDArray[np.int64]
    start_ns: npt.NDArray[np.int64]
    end_ns: npt.NDArray[np.int64]
    in_flight: npt.NDArray[np.int64]
    queue_seconds: Floats
    size_bytes: Floats
    routes: tuple[Route, ...]
    blocks: tuple[Block, ...]
    batch_sizes: npt.NDArray[np.int64]
    model_seconds: Floats
    model_in_flight: npt.NDArray[np.int64]
    model_site: Site | None
    pool: Pool | None
    began_ns: int
    ended_ns: int
    server: str = ""

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
    def mean_queued(self) -> float | None:
        """Mean number of requests that wait for the server before it begins with them; None if not measured."""
        known = self.queue_seconds[~np.isnan(self.queue_seconds)]
        return float(known.mean()) * self.per_second if len(known) else None

    @property
    def mean_inside(self) -> float:
        """Mean number of requests inside the application of all processes."""
        return float(self.seconds.sum()) / self.window_seconds

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
        """Requests that want to be served by one process at once, in flight or queued before it."""
        inside = float(self.in_flight.mean()) if self.count else 0.0
        hidden = [b.waiting for b in self.user_blocks]
        queued = (self.mean_queued or 0.0) / len(self.processes)
        return max(inside + queued, float(np.average(hidden, weights=hidden)) if hidden else 0.0)

    def occupancy(self, process: int) -> list[tuple[str, float, Spans]]:
        """[(phase, seconds, intervals)] of ``process``: serve.handler while a request is in flight, otherwise
        serve.idle.

        A loop that is blocked before requests get in is not idle: that time is serve.blocked.
        """
        if process not in self.processes:
            return []
        mine = self.served_by == process
        handler = _union(zip(self.start_ns[mine].tolist(), self.end_ns[mine].tolist(), strict=True))
        outside = _without([(self.began_ns, self.ended_ns)], handler)
        blocks = (b for b in self.user_blocks if b.process == process)
        idle = _without(outside, _union((block.start_ns, block.end_ns) for block in blocks))
        blocked = _without(outside, idle)
        phases = {"serve.handler": handler, "serve.blocked": blocked, "serve.idle": idle}
        return [(name, _seconds_of(spans), spans) for name, spans in phases.items() if spans or name != "serve.blocked"]

    @classmethod
    def compute(cls, recording: Recording) -> Requests:
        records = recording.requests
        served = records[records["kind"] == signals.REQUEST]
        if not len(served):
            raise Absent("No requests were recorded.")
        process, processes = service(recording, served)
        records = records[np.isin(records["process"], processes)]
        served = records[records["kind"] == signals.REQUEST]
        served = served[np.argsort(served["t0"], kind="stable")]
        calls = records[records["kind"] == signals.MODEL_CALL]
        first, last = int(served["t0"].min()), int(served["t1"].max())
        calls = calls[(calls["t1"] > first) & (calls["t0"] < last)]
        marks = [mark for owner, mark in recording.facts.of(Serving) if owner in processes]
        ends = [mark.time_ns for mark in marks if mark.event == "end"]
        lags = records[records["kind"] == signals.LAG]
        blocks = (
            block
            for each in processes
            for block in blocks_of(recording, each, lags[lags["process"] == each], served[served["process"] == each])
        )
        queued, sizes = _queue_seconds(served), _size_bytes(served)
        return cls(
            process=process,
            processes=processes,
            served_by=served["process"].astype(np.int64),
            start_ns=served["t0"].astype(np.int64),
            end_ns=served["t1"].astype(np.int64),
            in_flight=served["flags"].astype(np.int64),
            queue_seconds=queued,
            size_bytes=sizes,
            routes=_routes(recording, served, queued, sizes),
            blocks=tuple(sorted(blocks, key=lambda block: block.start_ns)),
            batch_sizes=calls["arg"].astype(np.int64),
            model_seconds=(calls["t1"] - calls["t0"]).astype(float) / 1e9,
            model_in_flight=calls["flags"].astype(np.int64),
            model_site=_model_site(recording, process),
            pool=_pool(records[(records["kind"] == signals.POOL) & (records["process"] == process)]),
            began_ns=first,
            ended_ns=max([last, *ends]),
            server=next((mark.server for mark in marks if mark.event == "address"), ""),
        )


def service(recording: Recording, served: Records) -> tuple[int, tuple[int, ...]]:
    """(the busiest process, all processes) of the service whose requests took most time."""
    owners, which = np.unique(served["process"], return_inverse=True)
    seconds = np.bincount(which, served["t1"] - served["t0"])
    counts = np.bincount(which)
    listens = {owner: fact.address for owner, fact in reversed(recording.facts.of(Serving)) if fact.event == "address"}
    groups: dict[object, list[int]] = {}
    for index, owner in enumerate(owners.tolist()):
        host = recording.facts.processes[owner].host
        groups.setdefault((host, listens[owner]) if owner in listens else owner, []).append(index)
    best = max(groups.values(), key=lambda members: float(seconds[members].sum()))
    busiest = max(best, key=lambda member: int(counts[member]))
    return int(owners[busiest]), tuple(owners[best].tolist())


def _queue_seconds(served: Records) -> Floats:
    milliseconds = (served["arg"].astype(np.uint64) >> np.uint64(32) & np.uint64(0xFFFF)).astype(float)
    return np.where(milliseconds > 0, (milliseconds - 1) / 1e3, np.nan)


def _size_bytes(served: Records) -> Floats:
    """Sizes of answers, from 11 binary digits and the number of those above them."""
    code = (served["arg"].astype(np.uint64) >> np.uint64(48)).astype(np.int64)
    sizes = np.ldexp((code & 0x7FF).astype(float), code >> 11)
    return np.where(code > 0, np.maximum(sizes - 1, 0), np.nan)


def _routes(recording: Recording, served: Records, queued: Floats, sizes: Floats) -> tuple[Route, ...]:
    seconds = (served["t1"] - served["t0"]).astype(float) / 1e9
    known = recording.facts.strings
    keys = zip(served["process"].tolist(), served["arg"].tolist(), strict=True)
    of: dict[str, list[int]] = {}
    for row, (process, argument) in enumerate(keys):
        of.setdefault(known.get((process, argument & NAME_MASK), "(unnamed)"), []).append(row)
    routes = (Route(name, seconds[rows], queued[rows], sizes[rows]) for name, rows in of.items())
    return tuple(sorted(routes, key=lambda route: -float(route.seconds.sum())))


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
