"""The terms of the pipeline law for the main loop, measured in this run, and what the workers were doing meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...recording.model import Recording
from .. import Missing
from ..run.host import Host, obtainable
from ..run.machine import Machine
from ..training.steps import Steps
from .feeding import Feeding
from .loader import Loader
from .samples import HotLine, LoadingSamples
from .workers import Workers

Floats = npt.NDArray[np.float64]
_MIN_BATCH_BYTES = 64 << 10  # read by the program per batch; inter-process queues alone move less
_CONTENDED = 0.5  # contention exponent (see ``Workers``) from which readers are held to wait for each other
_MIN_HOST_SAMPLES = 10  # samples inside the waits; fewer say nothing
_MIN_EPOCH_SECONDS = 0.12  # forking workers and awaiting the first batch, once per pass (own measurement)


@dataclass(frozen=True)
class Loading:
    """Seconds per step. ``wait_seconds``, ``work_seconds``: W and C of the law, one value per step of the main loop.

    ``load_seconds``, ``load_cpu_seconds``: to load one batch; ``work_cpu_seconds``: CPU of the rest of the program per
    step. CPU time is given as the wall time it took: ``crowding_factor`` seconds per second of computing, as other
    programs may compete for the cores.
    ``cores``: cores the program used plus those that it could get; ``idle_cores``: idle while the loop waited for data;
    ``obtainable_cores``: those, and half of what other programs used meanwhile (see ``obtainable``);
    ``all_cores``: cores one rank may use when nobody else does. ``epochs``: passes over the data.
    ``reading_share``: share of the loading time blocked in reads. ``contention``: how a batch's time grows with the
    number loaded at once: 0 not at all, 1 in proportion, None if that number never changed.
    ``hot``: lines by share. ``in_memory``: only torch's own indexing and collating was seen.
    """

    wait_seconds: Floats
    work_seconds: Floats
    load_seconds: float
    load_cpu_seconds: float
    work_cpu_seconds: float
    cores: float
    all_cores: float
    idle_cores: float
    obtainable_cores: float
    workers: int
    epochs: int
    start_seconds: float
    collate_share: float
    reading_share: float
    blocked_share: float
    hot: tuple[HotLine, ...]
    crowding_factor: float = 1.0
    own_crowding_factor: float = 1.0
    contention: float | None = None
    in_memory: bool = False

    @property
    def saturated(self) -> bool:
        """Whether the workers already wait for each other, so that one more would only join the queue."""
        return self.contention is not None and self.contention >= _CONTENDED

    @property
    def wait_share(self) -> float:
        """W/T over all steps after warm-up."""
        return float(self.wait_seconds.sum()) / max(float(self.wait_seconds.sum() + self.work_seconds.sum()), 1e-9)

    @classmethod
    def compute(
        cls,
        recording: Recording,
        steps: Steps,
        loader: Loader | None,
        workers: Workers | None,
        feeding: Feeding | None,
        machine: Machine,
        host: Host | None,
    ) -> Loading:
        if steps.count < 5:
            raise Missing("Fewer than 5 steps after warm-up.")
        if loader is None and feeding is not None:
            return cls._by_hand(steps, feeding, machine, host)
        if loader is None or workers is None:
            raise Missing("Too few batches were recorded.")
        wait, work = _waits(steps, loader), steps.work()
        load = float(wait.mean()) if loader.num_workers == 0 else workers.load_seconds
        seen = LoadingSamples.of(recording, steps, loader)
        cores = _Cores.of(host, steps, machine, float(work.mean()) + load * (1.0 - seen.blocked_share))
        on_cpu = workers.cpu_seconds if loader.num_workers else load * workers.cpu_share
        load_cpu = min(load, on_cpu * cores.crowding_factor)
        reading = max(seen.reading_share, workers.read_share)
        scales = workers.contention is not None and workers.contention < _CONTENDED
        if not scales and loader.num_workers > 1 and _bytes_per_step(host, steps) >= _MIN_BATCH_BYTES:
            # A lock or a device leaves no reader in the stack frames. The bytes read and the queueing workers show it,
            # unless the number of batches loaded at once never fell: then queueing cannot be ruled out.
            reading = max(reading, seen.blocked_share)
        return cls(
            wait_seconds=wait,
            work_seconds=work,
            load_seconds=load,
            load_cpu_seconds=load_cpu,
            work_cpu_seconds=cores.work_cpu_seconds(steps, load_cpu),
            cores=cores.usable_cores,
            all_cores=cores.all_cores,
            idle_cores=cores.idle_cores,
            obtainable_cores=cores.obtainable_cores,
            workers=loader.num_workers,
            epochs=steps.passes,
            start_seconds=_MIN_EPOCH_SECONDS,
            collate_share=workers.collate_share,
            reading_share=reading,
            blocked_share=max(seen.blocked_share, 1.0 - load_cpu / max(load, 1e-9)),
            hot=seen.hot,
            crowding_factor=cores.crowding_factor,
            own_crowding_factor=cores.own_crowding_factor,
            contention=workers.contention,
            in_memory=seen.in_memory,
        )

    @classmethod
    def _by_hand(cls, steps: Steps, feeding: Feeding, machine: Machine, host: Host | None) -> Loading:
        """A loop that makes its own batches, treated as a loader without workers."""
        wait = np.minimum(feeding.seconds, steps.wall_seconds)
        work = steps.wall_seconds - wait
        load = float(wait.mean())
        load_cpu = load * feeding.cpu_share
        cores = _Cores.of(host, steps, machine, float(work.mean()) + load_cpu)
        place = feeding.place
        return cls(
            wait_seconds=wait,
            work_seconds=work,
            load_seconds=load,
            load_cpu_seconds=load_cpu,
            work_cpu_seconds=cores.work_cpu_seconds(steps, load_cpu),
            cores=cores.usable_cores,
            all_cores=cores.all_cores,
            idle_cores=cores.idle_cores,
            obtainable_cores=cores.obtainable_cores,
            workers=0,
            epochs=1,
            start_seconds=_MIN_EPOCH_SECONDS,
            collate_share=0.0,
            reading_share=0.0,
            blocked_share=1.0 - feeding.cpu_share,
            hot=() if place is None else (HotLine(place.frame, place.share, place.cpu_share, place.share),),
            crowding_factor=cores.crowding_factor,
            own_crowding_factor=cores.own_crowding_factor,
        )


@dataclass(frozen=True)
class _Cores:
    """Cores of one rank: those it may use, those it used, those left idle while it waited for data, and those that more
    of its threads would have got then."""

    all_cores: float
    busy_cores: float
    idle_cores: float
    obtainable_cores: float
    crowding_factor: float

    @property
    def usable_cores(self) -> float:
        """Available cores, in the unit of the CPU terms: wall seconds of computing."""
        return min(self.all_cores, (self.busy_cores + self.obtainable_cores) * self.crowding_factor)

    @property
    def own_crowding_factor(self) -> float:
        """The part of ``crowding_factor`` that the program causes itself, by its share of the cores in use."""
        used = max(self.all_cores - self.idle_cores, 1e-9)
        return 1.0 + (self.crowding_factor - 1.0) * min(1.0, self.busy_cores / used)

    def work_cpu_seconds(self, steps: Steps, load_cpu: float) -> float:
        """CPU per step of everything but loading; in total no more than the cores could deliver."""
        step = float(steps.wall_seconds.mean())
        return max(0.0, step * min(self.busy_cores * self.crowding_factor, max(1.0, self.usable_cores)) - load_cpu)

    @classmethod
    def of(cls, host: Host | None, steps: Steps, machine: Machine, awake_seconds: float) -> _Cores:
        busy, idle = (None if host is None else host.column(name) for name in ("busy_cores", "idle_cores"))
        if host is None or busy is None or idle is None:
            raise Missing("Idle cores were not sampled during the run.")
        times = host.time_ns
        start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
        inside = (times >= start) & (times <= end)
        if inside.sum() < 3:
            raise Missing("The steps are too short in total to sample idle cores.")
        waiting = inside & _in_waits(times, steps)
        if waiting.sum() < _MIN_HOST_SAMPLES:
            waiting = inside
        ranks = max(1, len(steps.ranks))
        cpu = host.rise("cpu_ns_total", start, end) or 0.0
        delay = host.rise("run_delay_ns_total", start, end) or 0.0
        used = float(np.nanmean(busy[inside])) / ranks
        unused = min(float(np.nanmean(idle[waiting])), machine.cores) / ranks
        beside = host.column("other_cores")
        others = 0.0 if beside is None else float(np.nanmean(beside[waiting])) / ranks
        # Threads that sleep often are delayed at each wake-up. Computing cannot have taken longer than the time awake.
        most = awake_seconds / max(used * float(steps.wall_seconds.mean()), 1e-9)
        crowding = max(1.0, min(1.0 + delay / max(cpu, 1.0), most))
        return cls(
            machine.cores / ranks,
            used,
            unused,
            min(obtainable(unused, others), machine.cores / ranks),
            crowding,
        )


def _waits(steps: Steps, loader: Loader) -> Floats:
    """Seconds waited for the next batch; 0 after the last step of a pass, which only stops the workers."""
    wait = steps.phase("data_wait")
    if loader.num_workers:
        epochs = steps.rows["loop"]
        wait[np.append(epochs[1:] != epochs[:-1], True)[~steps.warm]] = 0.0
    return wait


def _in_waits(times: npt.NDArray[np.int64], steps: Steps) -> npt.NDArray[np.bool_]:
    """Which times fall in a data wait: the last part of each step."""
    step = np.minimum(np.searchsorted(steps.end_ns, times), steps.count - 1)
    begins = steps.end_ns[step] - (steps.phase("data_wait")[step] * 1e9).astype(np.int64)
    found: npt.NDArray[np.bool_] = (times >= begins) & (times <= steps.end_ns[step])
    return found


def _bytes_per_step(host: Host | None, steps: Steps) -> float:
    """Bytes per step that the program read, from storage or the page cache."""
    start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
    names = ("read_bytes_total", "disk_read_bytes_total")
    rises = [0.0 if host is None else host.rise(name, start, end) or 0.0 for name in names]
    return max(rises) / max(steps.count * max(1, len(steps.ranks)), 1)
