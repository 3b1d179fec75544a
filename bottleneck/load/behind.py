"""What sets the capacity of a recorded server, and its line: not what is hottest, but what is used up first.

Each resource has a number of places: a lock has one, the event loop one per process, a thread pool as many as threads.
By the utilization law, a resource of which a share u is used at X requests per second is used up at X / u. The resource
with the largest share sets the capacity; the line that holds it longest is the line behind the knee. A line that many
requests wait in at once (an awaited upstream) may hold most of a request's time and yet limit nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import signals
from ..artifacts.run.every_thread import MAIN, by_thread
from ..artifacts.run.frames import EVENT_LOOP, HANDLERS, IDLE, POOLED, through
from ..diagnosis.findings import Location
from ..diagnosis.load_tests import Behind, Resource
from ..recording.model import Frame, Recording, Records
from .guards import Guard, Guards, guards_of

LEAST_SHARE = 0.5  # of the places: a resource that is used less does not set the capacity here
_LEAST_SAMPLES = 5
_MOST_SHARE = 1.5
_MOST_UNSEEN = 20.0  # a loop that waits for less of its time tells too little of its tasks
_ALIKE = 0.85  # of the largest share: from there on, resources count as used alike
_ANYIO_THREADS = 40
_EXECUTOR = ("/concurrent/futures/thread.py",)
_WAITING = (*IDLE, "/queue.py", "/socketserver.py")  # innermost frames of a thread with nothing to do
#: Innermost frames of a request that waits for a connection of a pool.
_CONNECTIONS = (
    ("/httpcore/", "wait_for_connection"), ("/aiohttp/connector.py", "_wait_for_available_connection"),
    ("/sqlalchemy/pool/", "_do_get"), ("/psycopg_pool/", "getconn"), ("/asyncpg/pool.py", "acquire"),
)  # fmt: skip
_FAR = 8  # frames below which a wait for a connection is looked for
Window = tuple[int, int]  # monotonic ns
Key = tuple[str, int, str]  # file, line, function


class _Use:
    """Sums of one resource."""

    def __init__(self, name: str, places: float, shared: bool = False) -> None:
        self.name, self.places, self.shared = name, places, shared
        self.seconds = 0.0
        self.samples = 0
        self.lines: Counter[Key] = Counter()

    def add(self, seconds: float, site: Key | None) -> None:
        self.seconds += seconds
        self.samples += 1
        if site is not None:
            self.lines[site] += seconds  # type: ignore[assignment]


@dataclass(frozen=True)
class _Sample:
    process: int
    thread: int
    frames: tuple[Frame, ...]
    seconds: float  # for the tasks of a loop, times their number
    running: bool
    task: bool

    @property
    def site(self) -> Key | None:
        """The innermost line of the user's."""
        return next(((f.file, f.line, f.function) for f in self.frames if f.user), None)

    @property
    def idle(self) -> bool:
        return not self.running and (not self.frames or through(self.frames[:1], _WAITING))


def behind(
    recording: Recording,
    windows: Sequence[Window],
    throughput: float,
    guards: Callable[[str], Guards] = guards_of,
) -> Behind:
    """Of the requests served in ``windows``, at ``throughput`` per second."""
    samples = list(_samples(recording, windows))
    observed = _observed(recording, windows)
    if not samples or not observed or not throughput:
        return Behind(throughput, None, None, None, 0.0, "no call stacks of the server were sampled meanwhile")
    working = [sample for sample in samples if not _waits_for_guard(sample, guards)]
    # Causes first: threads wait for a lock or for the interpreter, and then a pool is used up, too.
    uses = [*_guarded(working, guards), *_connections(working, observed), *_cpu(working), *_loops(working),
            *_pools(recording, working)]  # fmt: skip
    found = [_resource(use, observed, throughput) for use in uses if use.samples >= _LEAST_SAMPLES]
    found = [one for one in found if one.share <= _MOST_SHARE]  # several locks of one name, such as one per key
    most = max((one.share for one in found), default=0.0)
    found.sort(key=lambda one: -min(one.share, _ALIKE * most))
    hot: Counter[Key] = Counter()
    for sample in working:
        if sample.site is not None and not sample.idle:
            hot[sample.site] += sample.seconds  # type: ignore[assignment]
    hottest, seconds = hot.most_common(1)[0] if hot else (None, 0.0)
    limit = found[0] if found and found[0].share >= LEAST_SHARE else None
    why = "" if limit else "no lock, thread, pool or core that was seen is half used at this rate"
    others = [one for one in found[1:] if limit and (one.file, one.line) != (limit.file, limit.line)]
    place = None if hottest is None else Location(*hottest)
    return Behind(throughput, limit, next(iter(others), None), place, seconds / observed, why)


def _resource(use: _Use, observed: float, throughput: float) -> Resource:
    used = use.seconds / observed
    site = use.lines.most_common(1)[0][0] if use.lines else ("", 0, "")
    capacity = throughput / max(used / use.places, 1e-9)
    return Resource(use.name, use.places, used, capacity, *site, use.samples, use.shared)


def _clipped(rows: Records, windows: Sequence[Window]) -> Any:
    """Seconds of each row inside the windows."""
    inside = np.zeros(len(rows))
    for begin, end in windows:
        inside += np.maximum(0, np.minimum(rows["t1"], end) - np.maximum(rows["t0"], begin))
    return inside / 1e9


def _observed(recording: Recording, windows: Sequence[Window]) -> float:
    """Seconds in which the busiest process's main thread was sampled: a paused recorder does not make others idle."""
    return max((float(_clipped(rows, windows).sum()) for _, thread, rows in by_thread(recording) if thread == MAIN),
               default=0.0)  # fmt: skip


def _samples(recording: Recording, windows: Sequence[Window]) -> Iterator[_Sample]:
    for process, thread, rows in by_thread(recording):
        seconds = _clipped(rows, windows)
        unseen = _unseen(recording, process, rows, seconds) if thread == MAIN else 1.0
        for row, inside in zip(rows[seconds > 0], seconds[seconds > 0].tolist(), strict=True):
            running = int(row["kind"]) != signals.STACK_BLOCKED
            tasks = int(row["flags"]) >> 8 if thread == MAIN and not running else 0
            frames = recording.facts.stacks.get((process, int(row["arg"])), ())
            yield _Sample(process, thread, frames, inside * (tasks * unseen or 1.0), running, bool(tasks))


def _unseen(recording: Recording, process: int, rows: Records, seconds: Any) -> float:
    """Seconds of a loop's thread for each in which it waits: its tasks are seen then only, and wait meanwhile, too."""
    waits = 0.0
    for row, inside in zip(rows, seconds.tolist(), strict=True):
        if inside and int(row["kind"]) == signals.STACK_BLOCKED:
            frames = recording.facts.stacks.get((process, int(row["arg"])), ())
            if int(row["flags"]) >> 8 or through(frames[:1], _WAITING):
                waits += inside
    return min(_MOST_UNSEEN, float(seconds.sum()) / waits) if waits else 1.0


def _loops(samples: list[_Sample]) -> Iterator[_Use]:
    """The main threads that answer requests: of event loops, and of servers that answer in one thread per process."""
    mine = [sample for sample in samples if sample.thread == MAIN]
    loops = {sample.process for sample in mine if through(sample.frames, EVENT_LOOP) or sample.task}
    serve = {sample.process for sample in mine if through(sample.frames, HANDLERS)} - loops
    for processes, name in ((loops, "the event loop"), (serve, "the thread that answers")):
        if processes:
            several = f" of {len(processes)} processes" if len(processes) > 1 else ""
            use = _Use(name + several, len(processes))
            for sample in mine:
                if sample.process in processes and not sample.task and not sample.idle:
                    use.add(sample.seconds, sample.site)
            yield use


def _pools(recording: Recording, samples: list[_Sample]) -> Iterator[_Use]:
    rows = recording.requests[recording.requests["kind"] == signals.POOL]
    stated = int((rows["arg"] & np.uint64(0xFFFFFFFF)).max()) if len(rows) else _ANYIO_THREADS
    kinds = {"anyio's thread pool": (POOLED,), "the executor's threads": _EXECUTOR}
    for name, files in kinds.items():
        inside = [each for each in samples if each.thread != MAIN and through(each.frames, files)]
        threads = {(each.process, each.thread) for each in inside}
        processes = len({process for process, _ in threads})
        use = _Use(name, stated * processes if files == (POOLED,) else len(threads))
        for sample in inside:
            if sample.site is not None:
                use.add(sample.seconds, sample.site)
        if threads:
            yield use


def _waits_for_guard(sample: _Sample, guards: Callable[[str], Guards]) -> bool:
    site = sample.site
    return site is not None and not sample.running and site[1] in guards(site[0]).taken


def _guarded(samples: list[_Sample], guards: Callable[[str], Guards]) -> Iterator[_Use]:
    uses: dict[Guard, _Use] = {}
    processes: dict[Guard, set[int]] = defaultdict(set)
    for sample in samples:
        held = {guard for frame in sample.frames if frame.user for guard in guards(frame.file).held.get(frame.line, ())}
        for guard in held:
            use = uses.setdefault(guard, _Use(f"the lock {guard.name}" if guard.places == 1 else guard.name, 0))
            use.add(sample.seconds, sample.site)
            processes[guard].add(sample.process)
    for guard, use in uses.items():
        use.places = guard.places * len(processes[guard])
        yield use


def _cpu(samples: list[_Sample]) -> Iterator[_Use]:
    """One core per process: what threads run in Python takes turns."""
    processes = {sample.process for sample in samples if sample.running}
    several = f" of {len(processes)} processes" if len(processes) > 1 else ""
    use = _Use(f"the interpreter (one core){several}", max(1, len(processes)), shared=True)
    for sample in samples:
        if sample.running:
            use.add(sample.seconds, sample.site)
    if len({sample.thread for sample in samples if sample.running and sample.site}) > 1:
        yield use


def _connections(samples: list[_Sample], observed: float) -> Iterator[_Use]:
    """A pool of connections for which requests wait: as many as are in use meanwhile."""
    waits: dict[Key, list[_Sample]] = defaultdict(list)
    uses: dict[Key, list[_Sample]] = defaultdict(list)
    for sample in samples:
        if sample.site is not None and not sample.idle:
            waiting = any(
                part in frame.file and frame.function.rpartition(".")[2] == name
                for frame in sample.frames[:_FAR] for part, name in _CONNECTIONS
            )  # fmt: skip
            (waits if waiting else uses)[sample.site].append(sample)
    for site, waiting_samples in waits.items():
        waited = sum(sample.seconds for sample in waiting_samples)
        inside = sum(sample.seconds for sample in uses.get(site, ()))
        if len(waiting_samples) >= _LEAST_SAMPLES and waited > 0.2 * (waited + inside):
            use = _Use("the pool of connections", max(inside, 1e-3 * waited) / observed)
            use.add(use.places * observed, site)  # used up: requests wait for it
            use.samples = len(waiting_samples)
            yield use
