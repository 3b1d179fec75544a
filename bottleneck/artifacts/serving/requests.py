"""Served requests: how long they took, how many were inside at once, and what kept the event loop from serving them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts import ModelCall, Serving
from ...recording.model import Frame, Recording, Records, Site
from .. import Absent

Floats = npt.NDArray[np.float64]
Spans = list[tuple[int, int]]
_GARBAGE = 0xFFFF  # flags of a LAG record: the garbage collector did it
_LOOP_PATHS = ("/asyncio/", "/uvloop/", "/selectors.py")
_P99 = 99.0
_AROUND = ("__call__", "dispatch", "wrapper", "wrapped", "inner")  # of middleware and decorators, not of a handler


@dataclass(frozen=True)
class Block:
    """The event loop did not run for ``seconds`` (from when it was due) because of the user's line ``site``.

    ``waiting``: requests that got their turn before the loop did, the one that was running included.
    ``cpu_share``: of the loop's thread. ``free_share``: how often another thread got the interpreter lock at once,
    None when nobody looked. ``handler``: the coroutine that the framework called, at the line where it was. ``call``:
    the plain function that blocks, "" unknown.
    """

    start_ns: int
    end_ns: int
    site: Site | None
    waiting: int
    cpu_share: float
    free_share: float | None
    handler: Site | None = None
    call: str = ""

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True)
class Route:
    """One "METHOD route status" with the seconds of each of its requests inside the application."""

    name: str
    seconds: Floats


@dataclass(frozen=True)
class Pool:
    """anyio's thread pool at the heartbeats while it was used."""

    limit: int
    mean_borrowed_threads: float
    most_waiting: int


@dataclass(frozen=True)
class Requests:
    """The requests of the process that served most. Times in ns of the run's clock, durations in seconds.

    ``in_flight``: at each arrival, the arriving one included. ``batch_sizes``, ``model_seconds``,
    ``model_in_flight``: one value per outermost forward while serving. ``model_site``: the line that calls the model.
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
        """From the first arrival to the last response."""
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
        """Blocks that a line of the user's made while requests were served."""
        first, last = int(self.start_ns.min()), int(self.end_ns.max())
        return tuple(b for b in self.blocks if b.site is not None and b.end_ns > first and b.start_ns < last)

    @property
    def concurrency(self) -> float:
        """Requests that wanted service at once: seen inside, or waiting behind a blocked loop; mean over requests."""
        inside = float(self.in_flight.mean()) if self.count else 0.0
        hidden = [b.waiting for b in self.user_blocks]
        return max(inside, float(np.average(hidden, weights=hidden)) if hidden else 0.0)

    def occupancy(self, process: int) -> list[tuple[str, float, Spans]]:
        """[(phase, seconds, intervals)] of ``process``: serve.handler while a request is inside, else serve.idle.

        A loop that is held up while the requests are still outside does not idle: that is serve.blocked.
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
            blocks=_blocks(recording, process, records[records["kind"] == signals.LAG], served),
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


def _blocks(recording: Recording, process: int, lags: Records, served: Records) -> tuple[Block, ...]:
    starts = np.sort(served["t0"])
    blocks = []
    for lag in lags[np.argsort(lags["t0"], kind="stable")]:
        start, end, flags = int(lag["t0"]), int(lag["t1"]), int(lag["flags"])
        frames = recording.facts.stacks.get((process, int(lag["arg"])), ())
        arrived = int(np.searchsorted(starts, end) - np.searchsorted(starts, start, side="right"))
        garbage = flags == _GARBAGE
        path = [] if garbage else _user_path(frames)
        looked = 0 if garbage else flags >> 8
        blocks.append(
            Block(
                start,
                end,
                _site(frames[path[0]]) if path else None,
                arrived + 1,
                0.0 if garbage else (flags & 0xFF) / 100,
                (looked - 1) / 100 if looked else None,
                _handler(frames, path),
                _blocking_call(frames, path),
            )
        )
    return tuple(blocks)


def _user_path(frames: tuple[Frame, ...]) -> list[int]:
    """Where the user's frames are between the running code and the event loop, innermost first; [] outside a loop."""
    for index, frame in enumerate(frames):
        if any(part in frame.file.replace("\\", "/") for part in _LOOP_PATHS):
            return [i for i in range(index) if frames[i].user]
    return [i for i, frame in enumerate(frames) if frame.user]


def _site(frame: Frame) -> Site:
    return Site(frame.file, frame.line, frame.function)


def _handler(frames: tuple[Frame, ...], path: list[int]) -> Site | None:
    """The outermost user frame; middleware and decorators of the user's stand around it."""
    inner = [i for i in path if frames[i].function.rpartition(".")[2] not in _AROUND]
    return _site(frames[(inner or path)[-1]]) if path else None


def _blocking_call(frames: tuple[Frame, ...], path: list[int]) -> str:
    """The user's innermost function below the handler, else the public library function that its line calls."""
    handler = _handler(frames, path)
    below = [frames[i].function.rpartition(".")[2] for i in path if _site(frames[i]) != handler]
    names = [name for name in below if name.isidentifier() and name not in _AROUND]
    if names:
        return names[0]
    called = frames[path[0] - 1].function if path and path[0] > 0 else ""
    return called if called and "<" not in called and not called.rpartition(".")[2].startswith("_") else ""


def _model_site(recording: Recording, process: int) -> Site | None:
    """The call site that most looks found; the notes give running counts per site."""
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
    """The parts of ``spans`` that lie outside of ``cut``; both are in order and without overlap."""
    left: Spans = []
    at = 0
    for start, end in spans:
        while at < len(cut) and cut[at][0] < end:
            begin, finish = cut[at]
            if begin > start:
                left.append((start, begin))
            start = max(start, finish)
            if finish > end:
                break  # it may reach into the next span too
            at += 1
        if end > start:
            left.append((start, end))
    return left


def _seconds_of(spans: Spans) -> float:
    return sum(end - start for start, end in spans) / 1e9
