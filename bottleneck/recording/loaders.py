"""Joins DataLoaders that are one and the same in the program: made anew each epoch at the same place."""

from __future__ import annotations

import numpy as np

from .. import signals
from ..timeline.tables import Recording

_BY_LOADER = (signals.LOADER_START, signals.DATA_WAIT, signals.LOOP)


def join_loaders(recording: Recording) -> None:
    """Give loaders that were constructed, iterated and configured alike the number of the first of them, in place."""
    first: dict[tuple[object, ...], int] = {}
    same: dict[tuple[int, int], int] = {}
    for (process, number), facts in sorted(recording.facts.loaders.items()):
        places = (facts.get("site"), facts.get("iter_site"))
        alike = (process, *places, facts.get("dataset"), facts.get("num_workers"), facts.get("batch_size"))
        if not any(places):
            continue
        kept = first.setdefault(alike, number)
        if kept != number:
            same[process, number] = kept
    if not same:
        return
    steps, events = recording.steps, recording.events
    steps["loop"], steps["loader"] = steps["loop"].copy(), steps["loader"].copy()
    for (process, number), kept in same.items():
        rows = (steps["process"] == process) & (steps["loader"] == number)
        steps["loop"][rows] += number * 1000  # passes stay apart
        steps["loader"][rows] = kept
        mine = (events["process"] == process) & np.isin(events["kind"], _BY_LOADER) & (events["arg"] == number)
        events["arg"][mine] = kept
    pids = {process.pid: process.index for process in recording.facts.processes}
    for worker in recording.facts.processes:
        parent = pids.get(worker.parent_pid, -1)
        worker.loader = same.get((parent, worker.loader), worker.loader)
