"""The bounded view of a run that the reports draw: timeline bars, call tree, curves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from .. import signals
from ..artifacts import Artifacts, Missing
from ..artifacts.run.breakdown import Breakdown
from ..artifacts.run.every_thread import MAIN, EveryThread
from ..artifacts.run.gaps import OTHER, Span
from ..artifacts.run.machine import Machine
from ..artifacts.run.stacks import Node, Stacks, call_tree
from ..artifacts.serving.requests import Requests
from ..artifacts.training.steps import Steps
from ..recording.model import STEP_PHASES, Recording, Records
from .model import Bar, Series, StackNode, ThreadCalls, View

MAX_BARS = 2000
MAX_POINTS = 300
# A limit per kind, so that none crowds out another.
_MAX_STEP_BARS = 800
_MAX_WORKER_BARS = 300
_MAX_BARS_OF_A_KIND = 300
_MAX_THREADS = 12
_MAX_THREAD_CALLS = 300  # for all threads except the main one
_LEAST_SHARE = 0.002  # of the run: the least time in a call that we keep

T = TypeVar("T")


def build_view(recording: Recording, artifacts: Artifacts, steps: Steps | None) -> View:
    """Bars of the main process, its steps, requests and workers; the sampled call tree; host curves."""
    bars: list[Bar] = []
    breakdown, requests = _find(artifacts, Breakdown), _find(artifacts, Requests)
    if breakdown is not None:
        bars += [_bar(recording, _track(span), span) for span in _longest(breakdown.outside)]
        bars += _event_bars(recording, breakdown.process)
    if steps is not None:
        bars += _step_bars(recording, steps, "python" if breakdown and OTHER not in breakdown.seconds else OTHER)
    if requests is not None:
        bars += _request_bars(recording, requests)
    bars += _worker_bars(recording)
    stacks = _find(artifacts, Stacks)
    calls = () if stacks is None else tuple(map(_node, stacks.tree()))
    threads, more = _threads(recording, artifacts, stacks)
    return View(tuple(bars[:MAX_BARS]), calls, _series(recording, artifacts.get(Machine).cores), threads, more)


def _find(artifacts: Artifacts, kind: type[T]) -> T | None:
    try:
        return artifacts.get(kind)
    except Missing:
        return None


def _step_bars(recording: Recording, steps: Steps, between: str) -> list[Bar]:
    """Each bar is one phase of one step, or of a group of steps if there are many; ``between`` names the rest."""
    rows = steps.rows
    used = [name for name in STEP_PHASES if rows[name].sum() > 0]
    groups = max(1, -(-len(rows["t0"]) * max(1, len(used)) // _MAX_STEP_BARS))
    bars = []
    for first in range(0, len(rows["t0"]), groups):
        part = slice(first, first + groups)
        at = (int(rows["t0"][part][0]) - recording.started_ns) / 1e9
        for name in used:
            seconds = float(rows[name][part].sum()) / 1e6
            if seconds > 0:
                bars.append(Bar("steps", between if name == OTHER else name, at, seconds))
                at += seconds
    return bars


def _event_bars(recording: Recording, process: int) -> list[Bar]:
    events = recording.events
    mask = (events["process"] == process) & (events["kind"] > 0) & (events["kind"] < len(signals.PHASES))
    spans = [
        Span(signals.PHASES[int(e["kind"])], int(e["t0"]), int(e["t1"]))
        for e in _largest(events[mask], _MAX_BARS_OF_A_KIND)
    ]
    return [_bar(recording, "main", span) for span in spans]


def _request_bars(recording: Recording, requests: Requests) -> list[Bar]:
    """Requests in order of arrival, thinned if there are many, and the event loop while it was idle or blocked."""
    step = max(1, -(-requests.count // _MAX_BARS_OF_A_KIND))
    served = zip(requests.start_ns[::step].tolist(), requests.end_ns[::step].tolist(), strict=True)
    bars = [_bar(recording, "requests", Span("serve.handler", a, b)) for a, b in served]
    occupied = requests.occupancy(requests.process)
    loop = [Span(name, a, b) for name, _, spans in occupied if name == "serve.idle" for a, b in spans]
    loop += [Span("serve.blocked", block.start_ns, block.end_ns) for block in requests.user_blocks]
    return bars + [_bar(recording, "event loop", span) for span in _longest(loop)]


def _worker_bars(recording: Recording) -> list[Bar]:
    workers = {p.index: p.worker for p in recording.facts.processes if p.role == signals.WORKER}
    batches = recording.samples[recording.samples["kind"] == signals.BATCH]
    batches = batches[np.isin(batches["process"], list(workers))]
    step = max(1, len(batches) // _MAX_WORKER_BARS)
    return [
        _bar(recording, f"worker {workers[int(b['process'])]}", Span("batch", int(b["t0"]), int(b["t1"])))
        for b in batches[::step]
    ]


def _longest(spans: Iterable[Span]) -> list[Span]:
    return sorted(sorted(spans, key=lambda span: -span.seconds)[:_MAX_BARS_OF_A_KIND], key=lambda span: span.start_ns)


def _largest(records: Records, count: int) -> Records:
    if len(records) <= count:
        return records
    order = np.argsort(records["t0"] - records["t1"])[:count]
    return records[np.sort(order)]


def _bar(recording: Recording, track: str, span: Span) -> Bar:
    return Bar(track, span.name, (span.start_ns - recording.started_ns) / 1e9, span.seconds)


def _track(span: Span) -> str:
    return "stages" if span.name.startswith("stage:") else "main"


def _node(node: Node) -> StackNode:
    children = tuple(map(_node, node.children))
    return StackNode(node.function, node.file, node.line, node.seconds, children, node.skipped, node.blocked_seconds)


def _threads(recording: Recording, artifacts: Artifacts, stacks: Stacks | None) -> tuple[tuple[ThreadCalls, ...], int]:
    """The call trees of all threads except the one in ``stacks``, and the number left out."""
    every = _find(artifacts, EveryThread)
    main = None if stacks is None else (stacks.process, MAIN)
    others = [t for t in (every.threads if every else ()) if (t.process, t.number) != main]
    least = _LEAST_SHARE * recording.wall_seconds
    limit = _MAX_THREAD_CALLS // max(1, min(len(others), _MAX_THREADS))
    found = []
    for thread in others[:_MAX_THREADS]:
        calls = tuple(map(_node, call_tree(thread.rows, thread.frames, limit, least)))
        if calls:
            found.append(ThreadCalls(thread.process_name, thread.name, calls))
    return tuple(found), len(others) - len(found)


def _series(recording: Recording, cores: float) -> tuple[Series, ...]:
    curves = []
    units = {"rss_bytes": ("memory of the program", "B"), "busy_cores": ("cores used", "cores")}
    units["idle_cores"] = ("idle cores", "cores")
    for column, (name, unit) in units.items():
        if column in recording.host:
            x = (recording.host["time_ns"] - recording.started_ns) / 1e9
            step = max(1, len(x) // MAX_POINTS)
            y = recording.host[column].astype(float)
            if unit == "cores":
                y = np.minimum(y, cores)  # the kernel counts in ticks: a short first interval can show too many
            curves.append(Series(name, unit, tuple(x[::step].tolist()), tuple(y[::step].tolist())))
    return tuple(curves)
