"""What each pass over a DataLoader pays for its worker processes before its first batch arrives. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Recording, Records, Site
from .. import Absent
from ..training.steps import Floats, Steps


@dataclass(frozen=True)
class LoaderPasses:
    """The passes over one DataLoader that has workers.

    ``restart_seconds``: one value for each pass but the first, if the loading of its first batch was recorded. It is
    the time from ``iter()`` to that batch without the loading itself, plus stopping the workers of the pass before.
    """

    loader: int
    site: Site | None
    workers: int
    persistent: bool
    epochs: int
    restart_seconds: Floats


@dataclass(frozen=True)
class Epochs:
    """Every DataLoader with workers that the main loop's process iterated over."""

    loaders: tuple[LoaderPasses, ...]

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Epochs:
        loaders = recording.facts.loaders
        mine = {loader: facts for (process, loader), facts in loaders.items() if process == steps.process}
        if not mine:
            raise Absent("The run has no torch DataLoader.")
        found = []
        for loader, facts in mine.items():
            if not facts.num_workers:
                continue
            events = recording.events
            events = events[(events["process"] == steps.process) & (events["arg"] == loader)]
            starts = events[events["kind"] == signals.LOADER_START]
            starts = starts[np.argsort(starts["t0"], kind="stable")]
            sites = [recording.facts.site(steps.process, number) for number in (facts.site, facts.iter_site)]
            found.append(
                LoaderPasses(
                    loader,
                    sites[0] or sites[1],
                    facts.num_workers,
                    facts.persistent_workers,
                    len(starts),
                    _restarts(recording, steps.process, loader, starts, events),
                )
            )
        return cls(tuple(found))


def _restarts(recording: Recording, process: int, loader: int, starts: Records, events: Records) -> Floats:
    """See ``LoaderPasses.restart_seconds``."""
    waits = events[(events["kind"] == signals.DATA_WAIT) & ((events["flags"] & signals.FIRST) != 0)]
    batches = _first_worker_batches(recording, loader)
    stops = _stops(recording, process, loader, starts)
    found = []
    until = np.append(starts["t0"][1:], np.iinfo("i8").max)
    for index in range(1, len(starts)):
        begins, ends = int(starts["t0"][index]), int(until[index])
        batch = _first_within(batches, begins, ends)
        if batch is None:
            continue
        # A pass inside a step of another loader has its first wait in that step, so only the start counts here.
        wait = _first_within(waits, begins, ends)
        there = int(starts["t1"][index] if wait is None else wait["t1"])
        making = int(batch["t1"] - batch["t0"])
        found.append(max(0, there - begins - making) / 1e9 + stops[index - 1])
    return np.array(found)


def _first_worker_batches(recording: Recording, loader: int) -> Records:
    """Batches from the workers numbered 0, which load the first batch of each pass."""
    samples = recording.samples
    first = [
        p.index for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader and p.worker == 0
    ]
    made: Records = samples[(samples["kind"] == signals.BATCH) & np.isin(samples["process"], first)]
    return made


def _first_within(records: Records, start: int, end: int) -> Records | None:
    inside = records[(records["t0"] >= start) & (records["t0"] < end)]
    return inside[np.argmin(inside["t0"])] if len(inside) else None


def _stops(recording: Recording, process: int, loader: int, starts: Records) -> Floats:
    """Seconds of the ``next()`` that ended each pass: it returns no batch but stops the workers."""
    table = recording.steps
    mine = np.flatnonzero((table["process"] == process) & (table["loader"] == loader))
    mine = mine[np.argsort(table["t0"][mine], kind="stable")]
    of = np.searchsorted(starts["t0"], table["t0"][mine], side="right") - 1
    last = np.append(of[1:] != of[:-1], True)[: len(of)] & (of >= 0)
    seconds = np.zeros(len(starts))
    seconds[of[last]] = table["data_wait"][mine[last]] / 1e6
    return seconds
