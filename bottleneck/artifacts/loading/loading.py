"""The terms of the pipeline law for the main loop, measured in this run, and what the workers were doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.model import Frame, Recording, Records
from .. import Missing
from ..run.host import Host
from ..run.machine import Machine
from ..training.steps import Loader, Steps
from .feeding import Feeding
from .workers import Workers

Floats = npt.NDArray[np.float64]
_FETCHER = "/torch/utils/data/_utils/fetch.py"  # torch's own frame below which a batch is made
#: Who is blocked below one of these waits for input or output: the standard library, formats, clients of services.
_READERS = (
    *("/pathlib.py", "/_pyio.py", "/socket.py", "/ssl.py", "/http/", "/urllib/", "/gzip.py", "/bz2.py", "/lzma.py"),
    *("/zipfile", "/tarfile.py", "/shutil.py", "/tempfile.py", "/mmap.py", "/sqlite3/", "/numpy/lib/", "/PIL/"),
    *("/pandas/io/", "/pyarrow/", "/h5py/", "/zarr/", "/lmdb/", "/torch/serialization.py", "/safetensors/"),
    *("/requests/", "/urllib3/", "/httpx/", "/httpcore/", "/aiohttp/", "/boto3/", "/botocore/", "/s3fs/", "/gcsfs/"),
    *("/fsspec/", "/smart_open/", "/google/cloud/", "/azure/", "/redis/", "/pymongo/", "/psycopg", "/webdataset/"),
)
_MIN_BATCH_BYTES = 64 << 10  # read by the program per batch; the queues between the processes alone move less
_CONTENDED = 0.5  # growth of a batch's time with the number made at once, from which readers wait for each other
_MIN_HOST_SAMPLES = 10  # inside the waits; fewer say nothing about them
_MIN_EPOCH_SECONDS = 0.12  # workers are forked and the first batch is awaited once a pass (own measurement)


@dataclass(frozen=True)
class HotLine:
    """A function of the user's (at its hottest line) and its share of the sampled loading time.

    ``line_share``: that line's own; ``cpu_share``: of the function's time, on the CPU.
    """

    frame: Frame
    share: float
    cpu_share: float
    line_share: float


@dataclass(frozen=True)
class Loading:
    """Seconds per step. ``wait_seconds``/``work_seconds``: per step arrays of the main loop (W and C of the law).

    ``load_seconds``, ``load_cpu_seconds``: to make one batch; ``work_cpu_seconds``: CPU of the rest of the program per
    step. CPU is counted in the wall time that it took: ``crowding_factor`` seconds for one of computing, where others
    use the machine too.
    ``cores``: what the program used and could have had besides; ``idle_cores``: that, while the loop waited for data;
    ``all_cores``: what it may use where nobody else does, all of one rank. ``epochs``: passes over the data.
    ``reading_share``: of the loading time, blocked in reads; ``contention``: how much the time of a batch grows with
    the number made at once, 0 not at all, 1 in proportion, None where that number never changed.
    ``hot``: lines by share; ``in_memory``: nothing but torch's own indexing and collating was seen.
    """

    wait_seconds: Floats
    work_seconds: Floats
    load_seconds: float
    load_cpu_seconds: float
    work_cpu_seconds: float
    cores: float
    all_cores: float
    idle_cores: float
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
        """Whether those who make batches wait for each other: one more would only wait with them."""
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
        seen = _Sampled.of(recording, steps, loader)
        cores = _Cores.of(host, steps, machine, float(work.mean()) + load * (1.0 - seen.blocked_share))
        on_cpu = workers.cpu_seconds if loader.num_workers else load * workers.cpu_share
        load_cpu = min(load, on_cpu * cores.crowding_factor)
        reading = max(seen.reading_share, workers.read_share)
        scales = workers.contention is not None and workers.contention < _CONTENDED
        if not scales and loader.num_workers > 1 and _bytes_per_step(host, steps) >= _MIN_BATCH_BYTES:
            # A lock or a device shows no reader of its own among the frames: the bytes do, and that workers queue;
            # where they are never fewer than all, nothing tells that they do not.
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
            workers=loader.num_workers,
            epochs=len(np.unique(steps.rows["loop"])),
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
        """A loop that makes its own batches, as a loader without workers."""
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
    """Of one rank: cores that it may use, that it used, that were idle while it waited for data."""

    all_cores: float
    busy_cores: float
    idle_cores: float
    crowding_factor: float

    @property
    def usable_cores(self) -> float:
        """Cores to be had, in the unit of the CPU terms: wall seconds that computing takes."""
        return min(self.all_cores, (self.busy_cores + self.idle_cores) * self.crowding_factor)

    @property
    def own_crowding_factor(self) -> float:
        """The part of ``crowding_factor`` that comes from the program itself, by its part of the cores in use."""
        used = max(self.all_cores - self.idle_cores, 1e-9)
        return 1.0 + (self.crowding_factor - 1.0) * min(1.0, self.busy_cores / used)

    def work_cpu_seconds(self, steps: Steps, load_cpu: float) -> float:
        """CPU of everything but the loading, per step; in all no more than the cores gave."""
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
        # Who sleeps often is delayed at every wake-up: computing takes no longer than the time spent not asleep.
        most = awake_seconds / max(used * float(steps.wall_seconds.mean()), 1e-9)
        crowding = max(1.0, min(1.0 + delay / max(cpu, 1.0), most))
        return cls(
            machine.cores / ranks,
            used,
            min(float(np.nanmean(idle[waiting])), machine.cores) / ranks,
            crowding,
        )


def _waits(steps: Steps, loader: Loader) -> Floats:
    """Seconds waited for the next batch. After a pass's last step there is none: workers are stopped then."""
    wait = steps.phase("data_wait")
    if loader.num_workers:
        epochs = steps.rows["loop"]
        wait[np.append(epochs[1:] != epochs[:-1], True)[~steps.warm]] = 0.0
    return wait


def _in_waits(times: npt.NDArray[np.int64], steps: Steps) -> npt.NDArray[np.bool_]:
    """Which times lie in a wait for data: the last part of each step."""
    step = np.minimum(np.searchsorted(steps.end_ns, times), steps.count - 1)
    begins = steps.end_ns[step] - (steps.phase("data_wait")[step] * 1e9).astype(np.int64)
    found: npt.NDArray[np.bool_] = (times >= begins) & (times <= steps.end_ns[step])
    return found


def _bytes_per_step(host: Host | None, steps: Steps) -> float:
    """Read by the program, from storage or the page cache."""
    start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
    names = ("read_bytes_total", "disk_read_bytes_total")
    rises = [0.0 if host is None else host.rise(name, start, end) or 0.0 for name in names]
    return max(rises) / max(steps.count * max(1, len(steps.ranks)), 1)


@dataclass(frozen=True)
class _Sampled:
    """What the call stacks say of the loading: user lines by share, and shares of the sampled time."""

    hot: tuple[HotLine, ...]
    reading_share: float
    blocked_share: float
    in_memory: bool

    @classmethod
    def of(cls, recording: Recording, steps: Steps, loader: Loader) -> _Sampled:
        stacks = _loading_stacks(recording, steps, loader)
        lines: dict[Frame, list[float]] = {}  # seconds, of which on the CPU
        total = reading = blocked = torch = 0.0
        for process, kind, stack, seconds in zip(
            stacks["process"].tolist(),
            stacks["kind"].tolist(),
            stacks["arg"].tolist(),
            ((stacks["t1"] - stacks["t0"]) / 1e9).tolist(),
            strict=True,
        ):
            frames = recording.facts.stacks.get((process, stack), ())
            fetcher = _depth(frames, lambda frame: frame.file.endswith(_FETCHER))
            if fetcher is None and loader.num_workers:
                continue  # a worker waiting for its next index
            total += seconds
            frames = frames[: fetcher or 0]
            user = _depth(frames, lambda frame: frame.user)
            if user is not None:
                cell = lines.setdefault(frames[user], [0.0, 0.0])
                cell[0] += seconds
                cell[1] += seconds * (kind == signals.STACK_CPU)
            elif all("/torch/" in frame.file for frame in frames):
                torch += seconds
            if kind == signals.STACK_BLOCKED:
                blocked += seconds
                reading += seconds * _reads(frames[:user])
        if total <= 0:
            return cls((), 0.0, 0.0, False)
        return cls(_functions(lines, total), reading / total, blocked / total, torch >= 0.9 * total)


def _loading_stacks(recording: Recording, steps: Steps, loader: Loader) -> Records:
    """The samples of those who make the batches: the loader's workers, or the main thread while it waits for one."""
    stacks = recording.stacks
    if loader.num_workers:
        mine = [p.index for p in recording.facts.processes if p.role == signals.WORKER and p.loader == loader.id]
        rows = np.isin(stacks["process"], mine)
    else:
        rows = (stacks["process"] == steps.process) & (stacks["flags"] == signals.DATA_WAIT)
    found: Records = stacks[rows]
    return found


def _depth(frames: tuple[Frame, ...], wanted: Callable[[Frame], bool]) -> int | None:
    """How deep, from the innermost on, the first frame of a kind stands."""
    return next((depth for depth, frame in enumerate(frames) if wanted(frame)), None)


def _reads(frames: tuple[Frame, ...]) -> bool:
    """Whether code that reads files or talks to a service is among the library frames that the user's line called."""
    return any(part in frame.file for frame in frames for part in _READERS)


def _functions(lines: dict[Frame, list[float]], total: float) -> tuple[HotLine, ...]:
    """Lines joined by function, each standing at its hottest line, largest first."""
    functions: dict[tuple[str, str], list[tuple[Frame, list[float]]]] = {}
    for frame, both in lines.items():
        functions.setdefault((frame.file, frame.function), []).append((frame, both))
    hot = []
    for members in functions.values():
        seconds, cpu = (sum(both[i] for _, both in members) for i in (0, 1))
        hottest, (longest, _) = max(members, key=lambda member: member[1][0])
        hot.append(HotLine(hottest, seconds / total, cpu / max(seconds, 1e-9), longest / total))
    return tuple(sorted(hot, key=lambda line: -line.share)[:10])
