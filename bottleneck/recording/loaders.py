"""Merges DataLoaders that are really one in the program, recreated each epoch in the same place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .. import signals
from .model import Recording

_BY_LOADER = (signals.LOADER_START, signals.DATA_WAIT, signals.LOOP)
_Spans = npt.NDArray[np.int64]  # shape (passes, 2): begin and end of each pass


def join_loaders(recording: Recording) -> None:
    """Give loaders with the same construction, iteration and configuration the number of the first one, in place.

    Frameworks create training and evaluation loaders in one place. These are told apart by their length, by whether
    their steps train, and by passes that begin while a pass of the other is open.
    """
    same = _same_as(recording) if len(recording.facts.loaders) > 1 else {}
    if same:
        _renumber(recording, same)


def _same_as(recording: Recording) -> dict[tuple[int, int], int]:
    """(process, loader) -> the earlier loader that it repeats."""
    groups: dict[tuple[object, ...], list[tuple[int, _Spans]]] = {}
    same: dict[tuple[int, int], int] = {}
    epochs = _passes(recording)
    for (process, number), facts in sorted(recording.facts.loaders.items()):
        places = (facts.site, facts.iter_site)
        if not any(places):
            continue
        spans, trains = epochs.get((process, number), (np.empty((0, 2), "i8"), False))
        told = (facts.dataset, facts.num_workers, facts.batch_size, facts.length)
        alike = groups.setdefault((process, trains, *places, *told), [])
        for index, (kept, others) in enumerate(alike):
            if not _overlap(spans, others):
                same[process, number] = kept
                alike[index] = kept, np.concatenate([others, spans])
                break
        else:
            alike.append((number, spans))
    return same


def _renumber(recording: Recording, same: dict[tuple[int, int], int]) -> None:
    steps, events = recording.steps, recording.events
    steps["loop"], steps["loader"] = steps["loop"].copy(), steps["loader"].copy()
    for (process, number), kept in same.items():
        rows = (steps["process"] == process) & (steps["loader"] == number)
        steps["loop"][rows] += number * 1000  # keeps passes distinct
        steps["loader"][rows] = kept
        mine = (events["process"] == process) & np.isin(events["kind"], _BY_LOADER) & (events["arg"] == number)
        events["arg"][mine] = kept
    for worker in recording.facts.processes:
        parent = recording.facts.parent(worker)
        if parent is not None:
            worker.loader = same.get((parent.index, worker.loader), worker.loader)


def _passes(recording: Recording) -> dict[tuple[int, int], tuple[_Spans, bool]]:
    """(process, loader) -> (begin and end of each pass over it, whether a step of any of them trains)."""
    steps = recording.steps
    if not len(steps["t0"]):
        return {}
    order = np.lexsort([steps[name] for name in ("t0", "loop", "loader", "process")])
    keys = np.column_stack([steps[name][order] for name in ("process", "loader", "loop")])
    first = np.flatnonzero(np.concatenate([[True], (np.diff(keys, axis=0) != 0).any(axis=1)]))
    spans = np.column_stack([steps["t0"][order][first], np.maximum.reduceat(steps["t1"][order], first)])
    trains = np.logical_or.reduceat(steps["trained"][order], first)
    found: dict[tuple[int, int], tuple[_Spans, bool]] = {}
    for key in {(process, loader) for process, loader, _ in keys[first].tolist()}:
        mine = (keys[first, :2] == key).all(axis=1)
        found[key] = spans[mine], bool(trains[mine].any())
    return found


def _overlap(some: _Spans, others: _Spans) -> bool:
    """Whether a pass of one begins while a pass of the other is open."""
    return bool(((some[:, None, 0] < others[None, :, 1]) & (others[None, :, 0] < some[:, None, 1])).any())
