"""The terms of the pipeline law for the main loop, measured in this run, and what the workers were doing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import signals
from . import Missing
from .feeding import Feeding
from .machine import Machine
from .steps import Loader, Steps
from .tables import Frame, Recording, Table
from .workers import Workers

Floats = npt.NDArray[np.float64]
_READING = ("read", "load", "open", "recv", "fetch", "download", "get_object", "pread", "imread")
_MIN_EPOCH_SECONDS = 0.12  # workers are forked and the first batch is awaited once a pass (own measurement)


@dataclass(frozen=True)
class HotLine:
    """A function of the user's (at its hottest line) and its share of the sampled loading time."""

    frame: Frame
    share: float
    cpu_share: float


@dataclass(frozen=True)
class Loading:
    """Seconds per step. ``wait``/``work``: per step arrays of the main loop (W and C of the law).

    ``load``, ``load_cpu``: to make one batch; ``work_cpu``: CPU of the rest of the program per step;
    ``cores``: what the program used and could have had besides, measured during the steps; ``all_cores``: what it may
    use where nobody else does. ``passes``: epochs.
    ``reading_share``: of the loading time, spent blocked in functions that read; ``hot``: lines by share.
    """

    wait: Floats
    work: Floats
    load: float
    load_cpu: float
    work_cpu: float
    cores: float
    all_cores: float
    idle_cores: float
    workers: int
    passes: int
    start_seconds: float
    collate_share: float
    reading_share: float
    blocked_share: float
    hot: tuple[HotLine, ...]

    @property
    def wait_share(self) -> float:
        """W/T over all steps after warm-up."""
        return float(self.wait.sum()) / max(float(self.wait.sum() + self.work.sum()), 1e-9)

    @classmethod
    def compute(
        cls,
        recording: Recording,
        steps: Steps,
        loader: Loader | None,
        workers: Workers | None,
        feeding: Feeding | None,
        machine: Machine,
    ) -> Loading:
        if steps.count < 5:
            raise Missing("Fewer than 5 steps after warm-up.")
        busy, idle = _cores(recording.host, steps, machine)
        if loader is None and feeding is not None:
            return cls._by_hand(steps, feeding, busy, idle, machine)
        if loader is None or workers is None:
            raise Missing("Too few batches were seen being made, or none at all.")
        wait, work = steps.phase("data_wait"), steps.work()
        load = float(wait.mean()) if loader.num_workers == 0 else workers.load_seconds
        load_cpu = min(load, workers.cpu_seconds if loader.num_workers else load * workers.cpu_share)
        all_cpu = busy * float(steps.wall_seconds.mean())
        hot, reading, blocked = _hot(recording, steps, loader)
        loops = np.unique(steps.rows["loop"])
        return cls(
            wait=wait,
            work=work,
            load=load,
            load_cpu=load_cpu,
            work_cpu=max(0.0, min(all_cpu - load_cpu, float(work.mean()) * machine.cores)),
            cores=min(machine.cores, busy + idle),
            all_cores=machine.cores,
            idle_cores=idle,
            workers=loader.num_workers,
            passes=len(loops),
            start_seconds=_MIN_EPOCH_SECONDS,
            collate_share=workers.collate_share,
            reading_share=reading if hot else workers.read_share,  # stacks leave out waiting for a core
            blocked_share=max(blocked, 1.0 - workers.cpu_share),
            hot=hot,
        )

    @classmethod
    def _by_hand(cls, steps: Steps, feeding: Feeding, busy: float, idle: float, machine: Machine) -> Loading:
        """A loop that makes its own batches, as a loader without workers."""
        wait = np.minimum(feeding.seconds, steps.wall_seconds)
        work = steps.wall_seconds - wait
        load = float(wait.mean())
        load_cpu = load * feeding.cpu_share
        all_cpu = busy * float(steps.wall_seconds.mean())
        place = feeding.place
        return cls(
            wait=wait,
            work=work,
            load=load,
            load_cpu=load_cpu,
            work_cpu=max(0.0, min(all_cpu - load_cpu, float(work.mean()) * machine.cores)),
            cores=min(machine.cores, busy + idle),
            all_cores=machine.cores,
            idle_cores=idle,
            workers=0,
            passes=1,
            start_seconds=_MIN_EPOCH_SECONDS,
            collate_share=0.0,
            reading_share=0.0,
            blocked_share=1.0 - feeding.cpu_share,
            hot=() if place is None else (HotLine(place.frame, place.share, place.cpu_share),),
        )


def _cores(host: Table, steps: Steps, machine: Machine) -> tuple[float, float]:
    """(cores the program used, cores idle meanwhile), means over the steps."""
    if not host or "idle_cores" not in host:
        raise Missing("Idle cores were not sampled during the run.")
    inside = (host["time_ns"] >= steps.start_ns[0]) & (host["time_ns"] <= steps.end_ns[-1])
    if inside.sum() < 3:
        raise Missing("The steps are too short in all for idle cores to be sampled.")
    busy, idle = host["busy_cores"][inside].astype(float), host["idle_cores"][inside].astype(float)
    return float(np.nanmean(busy)), min(float(np.nanmean(idle)), machine.cores)


def _hot(recording: Recording, steps: Steps, loader: Loader) -> tuple[tuple[HotLine, ...], float, float]:
    """(hottest user lines of the loading, share blocked in reads, share blocked), from sampled stacks."""
    stacks = recording.stacks
    if loader.num_workers:
        mine = [p.index for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader.id]
        stacks = stacks[np.isin(stacks["process"], mine)]
    else:
        stacks = stacks[(stacks["process"] == steps.process) & (stacks["flags"] == signals.DATA_WAIT)]
    loop = loader.iter_site
    lines: dict[Frame, list[float]] = {}  # seconds, of which on the CPU
    total = reading = blocked = 0.0
    for process, kind, stack, seconds in zip(
        stacks["process"].tolist(),
        stacks["kind"].tolist(),
        stacks["arg"].tolist(),
        ((stacks["t1"] - stacks["t0"]) / 1e9).tolist(),
        strict=True,
    ):
        frames = recording.facts.stacks.get((process, stack), ())
        frame = next((f for f in frames if f.user), None)
        if frame is None:
            continue  # a worker waiting for its next index: not loading
        outside = loop is not None and (frame.file, frame.function) == (loop.file, loop.function)
        if outside and loader.num_workers:
            continue  # a forked worker waiting for its next index: it carries the frames it was forked from
        total += seconds
        if outside:
            continue  # only library code between the loop and the batch: no line of the user's loads
        cpu = seconds if kind == signals.STACK_CPU else 0.0
        cell = lines.setdefault(frame, [0.0, 0.0])
        cell[0] += seconds
        cell[1] += cpu
        if kind == signals.STACK_BLOCKED:
            blocked += seconds
            if _reads(frames, frames.index(frame)):
                reading += seconds
    if total <= 0:
        return (), 0.0, 0.0
    return _functions(lines, total), reading / total, blocked / total


def _reads(frames: tuple[Frame, ...], innermost_user: int) -> bool:
    """Whether the user's frames of this stack, or what they called, are named like a read (the loader's are not)."""
    last = innermost_user
    while last + 1 < len(frames) and frames[last + 1].user:
        last += 1
    names = [frame.function.rpartition(".")[2].lower() for frame in frames[: last + 1]]
    return any(word in name for name in names for word in _READING)


def _functions(lines: dict[Frame, list[float]], total: float) -> tuple[HotLine, ...]:
    """Lines joined by function, each standing at its hottest line, largest first."""
    functions: dict[tuple[str, str], list[tuple[Frame, list[float]]]] = {}
    for frame, both in lines.items():
        functions.setdefault((frame.file, frame.function), []).append((frame, both))
    hot = []
    for members in functions.values():
        seconds, cpu = (sum(both[i] for _, both in members) for i in (0, 1))
        hottest = max(members, key=lambda member: member[1][0])[0]
        hot.append(HotLine(hottest, seconds / total, cpu / max(seconds, 1e-9)))
    return tuple(sorted(hot, key=lambda line: -line.share)[:10])
