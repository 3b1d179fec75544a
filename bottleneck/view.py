"""The bounded picture of a run that the reports draw: bars of the timeline, call tree, curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import signals
from .diagnosis import Bar, Series, StackNode, View
from .timeline import Artifacts
from .timeline.breakdown import main_process
from .timeline.steps import Steps
from .timeline.tables import STEP_PHASES, Recording, Records

MAX_BARS = 2000
MAX_POINTS = 300
_WORKER_BARS = 400
_TREE_DEPTH = 24
_MIN_NODE_SHARE = 0.005


def build_view(recording: Recording, artifacts: Artifacts, steps: Steps | None) -> View:
    """Bars of the main process, its workers and its outside phases; the sampled call tree; host curves."""
    bars: list[Bar] = []
    if steps is not None:
        bars += _step_bars(recording, steps)
    bars += _event_bars(recording, main_process(recording, steps)) if recording.facts.processes else []
    bars += _worker_bars(recording)
    return View(tuple(bars[:MAX_BARS]), _tree(recording, steps), _series(recording))


def _step_bars(recording: Recording, steps: Steps) -> list[Bar]:
    """Each bar one phase of one step, or of a group of steps when there are many."""
    rows = steps.rows
    used = [name for name in STEP_PHASES if rows[name].sum() > 0]
    groups = max(1, -(-len(rows["t0"]) * max(1, len(used)) // 1200))
    bars = []
    for first in range(0, len(rows["t0"]), groups):
        part = slice(first, first + groups)
        at = (int(rows["t0"][part][0]) - recording.started_ns) / 1e9
        for name in used:
            seconds = float(rows[name][part].sum()) / 1e6
            if seconds > 0:
                bars.append(Bar("steps", name, at, seconds))
                at += seconds
    return bars


def _event_bars(recording: Recording, process: int) -> list[Bar]:
    events = recording.events
    mask = (events["process"] == process) & (events["kind"] > 0) & (events["kind"] < len(signals.PHASES))
    chosen = _largest(events[mask], 300)
    return [_bar(recording, "main", signals.PHASES[int(e["kind"])], e) for e in chosen]


def _worker_bars(recording: Recording) -> list[Bar]:
    workers = {p.index: p.worker for p in recording.facts.processes if p.role == signals.WORKER}
    batches = recording.samples[recording.samples["kind"] == signals.BATCH]
    batches = batches[np.isin(batches["process"], list(workers))]
    step = max(1, len(batches) // _WORKER_BARS)
    return [_bar(recording, f"worker {workers[int(b['process'])]}", "batch", b) for b in batches[::step]]


def _largest(records: Records, count: int) -> Records:
    if len(records) <= count:
        return records
    order = np.argsort(records["t0"] - records["t1"])[:count]
    return records[np.sort(order)]


def _bar(recording: Recording, track: str, phase: str, record: Any) -> Bar:
    return Bar(track, phase, (int(record["t0"]) - recording.started_ns) / 1e9, int(record["t1"] - record["t0"]) / 1e9)


def _tree(recording: Recording, steps: Steps | None) -> tuple[StackNode, ...]:
    if not recording.facts.processes:
        return ()
    process = main_process(recording, steps)
    stacks = recording.stacks[recording.stacks["process"] == process]
    root: dict[str, Any] = {"seconds": 0.0, "children": {}}
    ids, inverse = np.unique(stacks["arg"], return_inverse=True)
    sums = np.bincount(inverse, weights=(stacks["t1"] - stacks["t0"]).astype(float)) / 1e9 if len(ids) else np.zeros(0)
    for stack, seconds in zip(ids.tolist(), sums.tolist(), strict=True):
        node = root
        node["seconds"] += float(seconds)
        for frame in recording.facts.stacks.get((process, stack), ())[::-1][:_TREE_DEPTH]:
            key = (frame.function, frame.file, frame.line)
            node = node["children"].setdefault(key, {"seconds": 0.0, "children": {}})
            node["seconds"] += float(seconds)
    least = root["seconds"] * _MIN_NODE_SHARE
    return _nodes(root, least)


def _nodes(node: dict[str, Any], least: float) -> tuple[StackNode, ...]:
    found = [
        StackNode(function, file, line, child["seconds"], _nodes(child, least))
        for (function, file, line), child in node["children"].items()
        if child["seconds"] >= least
    ]
    return tuple(sorted(found, key=lambda item: -item.seconds))


def _series(recording: Recording) -> tuple[Series, ...]:
    curves = []
    units = {"rss_bytes": ("memory of the program", "B"), "busy_cores": ("cores used", "cores")}
    units["idle_cores"] = ("idle cores", "cores")
    for column, (name, unit) in units.items():
        if column in recording.host:
            x = (recording.host["time_ns"] - recording.started_ns) / 1e9
            step = max(1, len(x) // MAX_POINTS)
            y = recording.host[column].astype(float)
            curves.append(Series(name, unit, tuple(x[::step].tolist()), tuple(y[::step].tolist())))
    return tuple(curves)
