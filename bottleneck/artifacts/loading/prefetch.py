"""The main loop's batches as its workers loaded them, in loop order, and replays of that loop. Pure."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Recording, Records
from .. import Absent, Missing
from ..training.steps import Floats, Steps
from .loader import Loader

_MAX_BATCHES = 10_000  # batches replayed: in a long run the first ones stand for all
_DRAWN = 32  # samples drawn one by one for a batch: drawing more does not make batches more alike
_MIN_SHARE = 0.8  # share of the batches whose loading must be known, in loop order, for a replay to say anything


def replay(load: Floats, work: Floats, workers: int, factor: int) -> Floats:
    """Seconds that a loop waits for each batch of one pass but the first.

    torch's rules: worker k mod n loads batch k, which is requested when batch k - n x factor is handed over. ``load``:
    seconds to load each batch; ``work``: seconds from receiving a batch to requesting the next.
    """
    ahead = workers * factor
    free = [0.0] * workers  # when each worker finishes its requests so far
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


def replay_unordered(load: Floats, work: Floats, workers: int, factor: int) -> Floats:
    """The same with ``in_order=False``; here slowness belongs to the worker, not to the batch.

    A batch is handed over as soon as it is loaded. The next one goes to a worker with fewer than ``factor`` pending:
    each worker loads as many as it can, taking its own recorded time for each.
    """
    takes = [load[worker::workers] for worker in range(workers)]
    made: list[tuple[float, int]] = []  # (when, by which worker), earliest first
    free, begun, todo = [0.0] * workers, [0] * workers, [0] * workers
    turn = 0

    def ask(time: float) -> None:
        nonlocal turn
        while todo[turn % workers] >= factor:
            turn += 1
        worker = turn % workers
        turn += 1
        free[worker] = max(time, free[worker]) + float(takes[worker][begun[worker] % len(takes[worker])])
        begun[worker] += 1
        todo[worker] += 1
        heapq.heappush(made, (free[worker], worker))

    for _ in range(min(workers * factor, len(load))):
        ask(0.0)
    waits: list[float] = []
    asked = 0.0
    for working in work.tolist():
        ready, worker = heapq.heappop(made)
        given = max(asked, ready)
        waits.append(given - asked)
        todo[worker] -= 1
        if sum(begun) < len(load):
            ask(given)
        asked = given + working
    return np.array(waits[1:])


@dataclass(frozen=True)
class Prefetch:
    """One array per pass: ``load_seconds`` of each batch, ``work_seconds`` of each step, ``wait_seconds`` for each
    batch but the first."""

    workers: int
    factor: int
    load_seconds: tuple[Floats, ...]
    work_seconds: tuple[Floats, ...]
    wait_seconds: tuple[Floats, ...]

    @property
    def batches(self) -> int:
        return sum(map(len, self.load_seconds))

    @property
    def variation(self) -> float:
        """Coefficient of variation of the time to load a batch."""
        every = np.concatenate(self.load_seconds)
        return float(every.std() / max(float(every.mean()), 1e-9))

    @property
    def imbalance_ratio(self) -> float:
        """The slowest worker's mean time per batch over the mean of all other workers."""
        return _imbalance_ratio(self.load_seconds, self.workers)

    def imbalance_ratio_by_chance(self, draws: int) -> float:
        """The largest ``imbalance_ratio`` among this many random reorderings of the same batches."""
        random = np.random.default_rng(3)
        return max(
            _imbalance_ratio(tuple(random.permutation(load) for load in self.load_seconds), self.workers)
            for _ in range(draws)
        )

    def stood(self, ready: float = 0.5) -> Floats:
        """Seconds waited for each batch, beyond the time to hand over a batch that is ready.

        ``ready``: the quantile of the waits that is taken as that hand-over time.
        """
        every = np.concatenate(self.wait_seconds)
        stood: Floats = np.maximum(every - np.quantile(every, ready), 0.0)
        return stood

    def replayed(self, factor: int, seed: int | None = None) -> Floats:
        """The waits of a replay with this ``prefetch_factor``; ``seed`` shuffles the batches."""
        random = None if seed is None else np.random.default_rng(seed)
        waits = []
        for load, work in zip(self.load_seconds, self.work_seconds, strict=True):
            order = np.arange(len(load)) if random is None else random.permutation(len(load))
            waits.append(replay(load[order], work, self.workers, factor))
        return np.concatenate(waits)

    def shuffled(self, samples: int, seed: int) -> Floats:
        """The waits of a replay with batches of ``samples`` samples, drawn from all recorded batches of a pass.

        This assumes that the samples within a batch are alike; if they are not, real batches differ by more than this.
        """
        random = np.random.default_rng(seed)
        size = min(samples, _DRAWN)
        waits = []
        for load, work in zip(self.load_seconds, self.work_seconds, strict=True):
            drawn = random.permutation(np.repeat(load, size)).reshape(len(load), size)
            waits.append(replay(drawn.mean(axis=1), work, self.workers, self.factor))
        return np.concatenate(waits)

    def unordered(self, seed: int | None = None) -> Floats:
        """The waits of a replay with ``in_order=False``; ``seed`` shuffles each worker's batches."""
        random = None if seed is None else np.random.default_rng(seed)
        waits = []
        for load, work in zip(self.load_seconds, self.work_seconds, strict=True):
            load = load.copy()
            for worker in range(self.workers):
                if random is not None:
                    load[worker :: self.workers] = random.permutation(load[worker :: self.workers])
            waits.append(replay_unordered(load, work, self.workers, self.factor))
        return np.concatenate(waits)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, loader: Loader) -> Prefetch:
        if not loader.num_workers:
            raise Absent("The loader has no workers.")
        if loader.facts.iterable:
            raise Missing("An IterableDataset does not tell which worker made which batch.")
        if loader.facts.in_order is False:
            raise Missing("Batches arrive in any order, so it is unknown which worker made which one.")
        if len(steps.ranks) > 1:
            raise Missing("With several ranks it is unknown which rank a worker feeds.")
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
            if looked >= _MAX_BATCHES:
                break
            those = np.flatnonzero((rows["t0"] >= begins) & (rows["t0"] < ends))[:_MAX_BATCHES]
            looked += len(those)
            load = _in_loop_order(made, begins, ends, loader.num_workers, len(those))
            if load is not None and len(load) >= loader.num_workers:
                known += len(those)
                loads.append(load)
                works.append(np.maximum(work[those], 0.0))
                waits.append(rows["data_wait"][those][:-1] / 1e6)
        if known < max(2.0, _MIN_SHARE * looked):
            raise Missing("Not every batch was timed in the workers: fast ones are sampled.")
        factor = loader.facts.prefetch_factor or 2
        return cls(loader.num_workers, factor, tuple(loads), tuple(works), tuple(waits))


def _imbalance_ratio(load: tuple[Floats, ...], workers: int) -> float:
    """See ``Prefetch.imbalance_ratio``; 1 with a single worker."""
    means = [float(np.concatenate([each[worker::workers] for each in load]).mean()) for worker in range(workers)]
    slowest = max(means)
    return slowest * (workers - 1) / max(sum(means) - slowest, 1e-9) if workers > 1 else 1.0


def _made(recording: Recording, loader: Loader) -> list[Records]:
    """The batches that each worker number's processes loaded, in time order."""
    samples = recording.samples[recording.samples["kind"] == signals.BATCH]
    processes = [p for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader.id]
    numbers = {p.index: p.worker for p in processes}
    of = np.array([numbers.get(process, -1) for process in samples["process"].tolist()])
    by_worker = [samples[of == worker] for worker in range(loader.num_workers)]
    return [batches[np.argsort(batches["t0"], kind="stable")] for batches in by_worker]


def _in_loop_order(made: list[Records], begins: int, ends: int, workers: int, count: int) -> Floats | None:
    """Seconds to load each batch of a pass, in loop order; None unless every batch was timed."""
    load = np.full(count, np.nan)
    for worker, batches in enumerate(made):
        mine = batches[(batches["t0"] >= begins) & (batches["t0"] < ends)]
        wanted = len(range(worker, count, workers))
        if len(mine) < wanted:
            return None
        load[worker::workers] = (mine["t1"] - mine["t0"])[:wanted] / 1e9
    return load if count else None
