"""The bounded picture of a run that the reports draw: bars of the timeline, call tree, curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import signals
from .diagnosis import Bar, Series, StackNode, View
from .timeline import Artifacts, Missing
from .timeline.breakdown import main_process
from .timeline.stacks import Node, Stacks
from .timeline.steps import Steps
from .timeline.tables import STEP_PHASES, Recording, Records

MAX_BARS = 2000
MAX_POINTS = 300
_WORKER_BARS = 400


def build_view(recording: Recording, artifacts: Artifacts, steps: Steps | None) -> View:
    """Bars of the main process, its workers and its outside phases; the sampled call tree; host curves."""
    bars: list[Bar] = []
    if steps is not None:
        bars += _step_bars(recording, steps)
    bars += _event_bars(recording, main_process(recording, steps)) if recording.facts.processes else []
    bars += _worker_bars(recording)
    return View(tuple(bars[:MAX_BARS]), _calls(artifacts), _series(recording))


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


def _calls(artifacts: Artifacts) -> tuple[StackNode, ...]:
    try:
        stacks = artifacts.get(Stacks)
    except Missing:
        return ()
    return tuple(map(_node, stacks.tree()))


def _node(node: Node) -> StackNode:
    return StackNode(node.function, node.file, node.line, node.seconds, tuple(map(_node, node.children)))


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
