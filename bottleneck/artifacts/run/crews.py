"""Worker processes of one parent that replace one another, and what each does before its first task. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.intervals import Spans, seconds_of, spans_of, union
from ...recording.model import Frame, Process, Recording, Records
from .. import Absent
from .frames import HANDLERS, through
from .gaps import importing

SERVER, POOL, OTHER = "server", "pool", "other"
_SERVERS = ("/gunicorn/workers/", "/uvicorn/_subprocess.py")
#: Functions from which a worker of a pool calls its initializer, and below that its tasks.
_POOLS = (("/multiprocessing/pool.py", "worker"), ("/concurrent/futures/process.py", "_process_worker"))
#: What a worker does once, before it takes any work: (file, functions).
_START_UP = (
    ("/gunicorn/workers/", ("load_wsgi",)),
    ("/uvicorn/config.py", ("load", "load_app")),
    ("/uvicorn/lifespan/", ("main", "startup")),
    ("/multiprocessing/spawn.py", ("prepare", "_fixup_main_from_path", "_fixup_main_from_name")),
)
_RELOADS = "reload"  # in the file name of every reloader: uvicorn's, gunicorn's, werkzeug's
_MUCH = 0.1  # of the run: that is not "fine", whatever the reason
#: A process that comes later than this after another one is of a new pool. A server's parent starts nothing else.
_NEXT_NS = 2_000_000_000


@dataclass(frozen=True)
class Replaced:
    """A worker that took the place of one that had ended.

    ``ended_ns``: from when it was missed; ``started_ns``: its first record; ``ready_ns``: its start-up was done;
    ``cpu_seconds``: of its start-up.
    """

    process: int
    ended_ns: int
    started_ns: int
    ready_ns: int
    cpu_seconds: float


@dataclass(frozen=True)
class Crew:
    """The workers of one parent. ``kind``: of a server, of a pool, or other processes of the program's own.

    ``at_once``: most of them that lived at the same time. ``lost_seconds``: of the run, in which a place had no worker
    that was ready although there was work, divided by the places. ``waits_known``: whether requests told when there
    was. ``tasks``: requests that each replaced worker had answered, on average; None if not recorded. ``reloads``: a
    reloader watches the source.
    """

    kind: str
    parent: int
    processes: frozenset[int]
    at_once: int
    replaced: tuple[Replaced, ...]
    lost_seconds: float
    waits_known: bool
    tasks: float | None
    reloads: bool

    @property
    def start_seconds(self) -> float:
        """Mean time from a replaced worker's first record until it was ready."""
        spent = [each.ready_ns - each.started_ns for each in self.replaced]
        return sum(spent) / 1e9 / max(len(spent), 1)

    @property
    def starting_share(self) -> float:
        """Share of the time without a worker in which the next one was starting up."""
        missed = sum(each.ready_ns - each.ended_ns for each in self.replaced)
        return min(1.0, self.start_seconds * len(self.replaced) * 1e9 / max(missed, 1))

    @property
    def start_cpu_seconds(self) -> float:
        """CPU time of all start-ups beyond the first generation."""
        return sum(each.cpu_seconds for each in self.replaced)


@dataclass(frozen=True)
class Crews:
    """Every group of processes with one parent, the one that lost most time first."""

    crews: tuple[Crew, ...]
    wall_seconds: float

    @property
    def repeated(self) -> str:
        """A sentence without its full stop, where start-up again and again holds much of the run; otherwise ""."""
        worst = self.crews[0]
        share = worst.lost_seconds / max(self.wall_seconds, 1e-9)
        if share < _MUCH:
            return ""
        return (
            f"The program started {len(worst.processes)} processes, at most {worst.at_once} at once, and "
            f"{100 * share:.0f} % of the run went to starting up those that took the place of others"
        )

    @classmethod
    def compute(cls, recording: Recording) -> Crews:
        """Raises Absent when no process started two others."""
        families: dict[tuple[str, int, str], list[Process]] = {}
        parents: dict[int, list[Process]] = {}
        for process in recording.facts.processes:
            parent = recording.facts.parent(process) if process.pid else None
            if parent is not None and process.role != signals.WORKER and process.rank is None:
                parents.setdefault(parent.index, []).append(process)
        for parent_index, children in parents.items():
            if len(children) < 2:
                continue
            kinds = {child.index: _kind(_stacks(recording, child.index).values()) for child in children}
            known = {kind for kind in kinds.values() if kind != ""}
            for child in children:  # some end before they are sampled
                kind = kinds[child.index] or (known.pop() if len(known) == 1 else OTHER)
                known.add(kind)
                families.setdefault((child.host, parent_index, kind), []).append(child)
        crews = [
            _crew(recording, kind, parent, children)
            for (_, parent, kind), children in families.items()
            if len(children) > 1
        ]
        if not crews:
            raise Absent("No process started several others.")
        return cls(tuple(sorted(crews, key=lambda crew: -crew.lost_seconds)), recording.wall_seconds)


def _stacks(recording: Recording, process: int) -> dict[int, tuple[Frame, ...]]:
    known = recording.facts.stacks
    mine = recording.stacks["arg"][recording.stacks["process"] == process]
    return {stack: known.get((process, stack), ()) for stack in np.unique(mine).tolist()}


def _kind(stacks: Iterable[tuple[Frame, ...]]) -> str:
    """What a process is a worker of; "" if no stack tells."""
    for frames in stacks:
        for frame in frames:  # innermost first: a pool's worker may be a fork of a server's
            if _is_pool(frame):
                return POOL
            if any(part in frame.file for part in _SERVERS):
                return SERVER
    return ""


def _is_pool(frame: Frame) -> bool:
    return any(frame.file.endswith(file) and frame.function == name for file, name in _POOLS)


def _crew(recording: Recording, kind: str, parent: int, children: list[Process]) -> Crew:
    indexes = [child.index for child in children]
    stacks = {index: _stacks(recording, index) for index in indexes}
    task_line = _task_line([frames for known in stacks.values() for frames in known.values()])
    lives = {child.index: life for child in children if (life := _life(recording, child)) is not None}
    asked = recording.requests[recording.requests["kind"] == signals.REQUEST]
    asked = asked[np.isin(asked["process"], indexes)]
    replaced = []
    for index, ended in _successions(lives, kind != SERVER):
        first = asked["t0"][asked["process"] == index]
        ready, cpu = _ready(recording, index, stacks[index], task_line, int(first.min()) if len(first) else 0)
        started = lives[index][0]
        # Other processes do not wait for each other, and one whose end is unknown may have worked in between.
        since = started if kind == OTHER or len(lives) < len(children) else ended
        replaced.append(Replaced(index, since, started, max(started, ready), cpu))
    at_once = _most_at_once(list(lives.values()))
    waiting = _waiting(asked)
    last = int(asked["t1"].max()) if len(asked) else _last_task(recording, stacks, task_line)
    lost = sum(seconds_of(_without_worker(each, waiting, last)) for each in replaced)
    ends = {each.ended_ns for each in replaced}
    followed = [index for index, (_, end) in lives.items() if end in ends]
    tasks = [int((asked["process"] == index).sum()) for index in followed]
    return Crew(
        kind,
        parent,
        frozenset(indexes),
        at_once,
        tuple(replaced),
        lost / max(at_once, 1),
        waiting is not None,
        sum(tasks) / len(tasks) if tasks and len(asked) else None,
        _reloads(recording, [parent, *indexes]),
    )


def _life(recording: Recording, process: Process) -> tuple[int, int] | None:
    """From the first record of a process to its last one: a fork that ends by ``os._exit`` leaves no note.

    None where only its start was recorded, as of some forks, so that nobody knows when it ended.
    """
    ends = [process.bye_ns] if process.bye_ns else []
    if not process.bye_ns:
        for rows in (recording.stacks, recording.threads, recording.requests, recording.events):
            mine = rows["t1"][rows["process"] == process.index]
            ends += [int(mine.max())] if len(mine) else []
    return (process.start_ns, max(ends)) if ends else None


def _most_at_once(lives: list[tuple[int, int]]) -> int:
    edges = sorted([(begin, 1) for begin, _ in lives] + [(end, -1) for _, end in lives])
    return int(np.cumsum([step for _, step in edges]).max()) if edges else 0


def _successions(lives: dict[int, tuple[int, int]], soon: bool) -> list[tuple[int, int]]:
    """(process, when the one before it in its place had ended); ``soon``: it must follow at once."""
    found, free = [], sorted(end for _, end in lives.values())
    for index, (begin, _) in sorted(lives.items(), key=lambda item: item[1]):
        before = [end for end in free if end <= begin and (begin <= end + _NEXT_NS or not soon)]
        if before:
            free.remove(before[0])
            found.append((index, before[0]))
    return found


def _ready(
    recording: Recording, process: int, stacks: dict[int, tuple[Frame, ...]], task_line: int, first_ns: int
) -> tuple[int, float]:
    """(when the last sample before its first work that shows start-up was taken, CPU seconds until then)."""
    rows = recording.stacks[recording.stacks["process"] == process]
    rows = rows[np.argsort(rows["t1"], kind="stable")]
    ready, cpu, pending = 0, 0.0, 0.0
    for row in rows:
        frames = stacks.get(int(row["arg"]), ())
        computes = int(row["kind"]) == signals.STACK_CPU
        seconds = int(row["t1"] - row["t0"]) / 1e9 if computes else 0.0
        early = bool(first_ns) and int(row["t1"]) <= first_ns
        if not early and (first_ns or _works(frames, task_line)):
            break
        pending += seconds
        if _starts(frames, task_line) or (early and computes):
            ready, cpu, pending = int(row["t1"]), cpu + pending, 0.0
    return ready, cpu


def _starts(frames: Sequence[Frame], task_line: int) -> bool:
    """Whether a stack is in what a worker does once."""
    if importing(frames):
        return True
    for depth, frame in enumerate(frames):
        name = frame.function.rpartition(".")[2]
        if any(part in frame.file and name in names for part, names in _START_UP):
            return True
        if _is_pool(frame):
            return frame.line < task_line and any(inner.user for inner in frames[:depth])
    return False


def _works(frames: Sequence[Frame], task_line: int) -> bool:
    """Whether a stack is in a task, or answers a request."""
    if _starts(frames, task_line):
        return False
    at = next((depth for depth, frame in enumerate(frames) if _is_pool(frame)), None)
    if at is not None:
        return frames[at].line >= task_line and any(frame.user for frame in frames[:at])
    return any(frame.user for frame in frames) and through(frames, HANDLERS)


def _task_line(stacks: Sequence[tuple[Frame, ...]]) -> int:
    """The first line of a pool's own code that may be a task's: above, it calls the initializer.

    It is where the worker gets its next task; where that was not seen, the last one that called the user's code.
    """
    gets, calls = [0], [0]
    for frames in stacks:
        at = next((depth for depth, frame in enumerate(frames) if _is_pool(frame)), 0)
        if at and frames[at - 1].function.rpartition(".")[2] == "get":
            gets.append(frames[at].line)
        elif any(frame.user for frame in frames[:at]):
            calls.append(frames[at].line)
    return max(gets) or max(calls)


def _waiting(asked: Records) -> Spans | None:
    """When requests waited for a server; None where no request says."""
    queued = (asked["arg"].astype(np.uint64) >> np.uint64(32) & np.uint64(0xFFFF)).astype(np.int64)
    known = queued > 0
    if not known.any():
        return None
    return union([spans_of(asked["t0"][known] - (queued[known] - 1) * 1_000_000, asked["t0"][known])])


def _last_task(recording: Recording, stacks: dict[int, dict[int, tuple[Frame, ...]]], task_line: int) -> int:
    """When the last sample of a task was taken; the end of the recording where none was."""
    last = 0
    for process, known in stacks.items():
        works = [stack for stack, frames in known.items() if _works(frames, task_line)]
        rows = recording.stacks[recording.stacks["process"] == process]
        mine = rows["t1"][np.isin(rows["arg"], works)]
        last = max(last, int(mine.max()) if len(mine) else 0)
    return last or recording.ended_ns


def _without_worker(each: Replaced, waiting: Spans | None, last_ns: int) -> Spans:
    """The time in which the place of a worker was empty, or its worker not ready, although there was work."""
    begin, end = each.ended_ns, min(each.ready_ns, last_ns)
    if end <= begin:
        return spans_of([], [])
    if waiting is None:
        return spans_of([begin], [end])
    inside = np.clip(waiting, begin, end)
    return inside[inside[:, 1] > inside[:, 0]]


def _reloads(recording: Recording, processes: list[int]) -> bool:
    """Whether a reloader runs in one of these processes, on any thread; servers import theirs in any case."""
    mine = {*processes}
    return any(
        _RELOADS in frame.file.replace("\\", "/").rpartition("/")[2]
        for (process, _), frames in recording.facts.stacks.items()
        if process in mine and not importing(frames)
        for frame in frames
    )
