"""The batches of the main loop as its workers made them, in the loop's order, and the same loop replayed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import signals
from . import Missing
from .steps import Floats, Loader, Steps
from .tables import Recording, Records

_MOST = 10_000  # batches that are replayed: of a long run the first ones stand for all
_ENOUGH = 0.8  # of them; where batches were made in another order or seen in part, a replay says nothing


def replay(load: Floats, work: Floats, workers: int, factor: int) -> Floats:
    """Seconds that a loop waits for each batch of one pass, after the first.

    torch's rules: batch k is made by worker k mod n, and asked for when batch k - n x factor is handed over. ``load``:
    seconds to make each; ``work``: seconds from being handed a batch to asking for the next.
    """
    ahead = workers * factor
    free = [0.0] * workers  # when each worker is done with what it was asked for so far
    handed: list[float] = []
    waits: list[float] = []
    asked = 0.0
    for number, (making, working) in enumerate(zip(load.tolist(), work.tolist(), strict=True)):
        sent = handed[number - ahead] if number >= ahead else 0.0
        worker = number % workers
        made = free[worker] = max(sent, free[worker]) + making
        given = max(asked, made)
        waits.append(given - asked)
        handed.append(given)
        asked = given + working
    return np.array(waits[1:])


@dataclass(frozen=True)
class Prefetch:
    """Seconds per pass: ``load`` to make each batch, ``work`` of each step, ``wait`` for each batch but the first."""

    workers: int
    factor: int
    load: tuple[Floats, ...]
    work: tuple[Floats, ...]
    wait: tuple[Floats, ...]

    @property
    def batches(self) -> int:
        return sum(map(len, self.load))

    @property
    def variation(self) -> float:
        """Standard deviation of the time to make a batch over its mean."""
        every = np.concatenate(self.load)
        return float(every.std() / max(float(every.mean()), 1e-9))

    @property
    def stood(self) -> Floats:
        """Seconds waited for each batch beyond the usual, which is what it takes to hand over one that is ready."""
        every = np.concatenate(self.wait)
        stood: Floats = np.maximum(every - np.median(every), 0.0)
        return stood

    def replayed(self, factor: int, seed: int | None = None) -> Floats:
        """The waits of a replay with this ``prefetch_factor``; ``seed``: with the batches in another order."""
        random = None if seed is None else np.random.default_rng(seed)
        waits = []
        for load, work in zip(self.load, self.work, strict=True):
            order = np.arange(len(load)) if random is None else random.permutation(len(load))
            waits.append(replay(load[order], work, self.workers, factor))
        return np.concatenate(waits)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, loader: Loader) -> Prefetch:
        if not loader.num_workers:
            raise Missing("The loader has no workers.")
        if loader.facts.get("iterable"):
            raise Missing("An IterableDataset: which worker made which batch is not known.")
        if len(steps.ranks) > 1:
            raise Missing("Several ranks: which of them a worker feeds is not known.")
        rows = steps.rows
        work = (rows["t1"] - rows["t0"]) / 1e9 - rows["data_wait"] / 1e6
        made = _made(recording, loader)
        events = recording.events
        mine = (events["process"] == steps.process) & (events["arg"] == loader.id)
        starts = np.sort(events["t0"][mine & (events["kind"] == signals.LOADER_START)])
        until = np.append(starts[1:], np.iinfo("i8").max)
        loads: list[Floats] = []
        works: list[Floats] = []
        waits: list[Floats] = []
        looked = known = 0
        for begins, ends in zip(starts.tolist(), until.tolist(), strict=True):
            if looked >= _MOST:
                break
            those = np.flatnonzero((rows["t0"] >= begins) & (rows["t0"] < ends))[:_MOST]
            looked += len(those)
            load = _in_loop_order(made, begins, ends, loader.num_workers, len(those))
            if load is not None:
                known += len(those)
                loads.append(load)
                works.append(np.maximum(work[those], 0.0))
                waits.append(rows["data_wait"][those][:-1] / 1e6)
        if known < max(2.0, _ENOUGH * looked):
            raise Missing("Not every batch was timed in the workers: of quick ones only a few are.")
        factor = int(loader.facts.get("prefetch_factor") or 2)
        return cls(loader.num_workers, factor, tuple(loads), tuple(works), tuple(waits))


def _made(recording: Recording, loader: Loader) -> list[Records]:
    """By worker number: the batches that its processes made, in time order."""
    samples = recording.samples[recording.samples["kind"] == signals.BATCH]
    processes = [p for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader.id]
    numbers = {p.index: p.worker for p in processes}
    of = np.array([numbers.get(process, -1) for process in samples["process"].tolist()])
    by_worker = [samples[of == worker] for worker in range(loader.num_workers)]
    return [batches[np.argsort(batches["t0"], kind="stable")] for batches in by_worker]


def _in_loop_order(made: list[Records], begins: int, ends: int, workers: int, count: int) -> Floats | None:
    """Seconds to make each batch of a pass; None where not every one was timed."""
    load = np.full(count, np.nan)
    for worker, batches in enumerate(made):
        mine = batches[(batches["t0"] >= begins) & (batches["t0"] < ends)]
        wanted = len(range(worker, count, workers))
        if len(mine) < wanted:
            return None
        load[worker::workers] = (mine["t1"] - mine["t0"])[:wanted] / 1e9
    return load if count else None
