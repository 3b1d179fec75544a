"""What blocked threads waited for: what the kernel told the supervisor, and what library frames add to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts import Thread, Wait
from ...recording.model import Recording, Records
from .. import Missing
from .frames import Named, through

_NEAR_NS = 20_000_000  # between a sample of the program and a look from outside that are at the same place
_GAP_NS = 2_000_000_000  # between two looks that saw the same wait: so did a sample in between
_LOOK_NS = 100_000_000  # between two looks
_COMPUTES = 0.25  # cores that the process uses while the thread waits: from there on, other threads compute
_MOSTLY = 0.6  # of the known waits
_KNOWN = 0.3  # of the blocked time: with less, what is known does not stand for the rest
_MIN_SAMPLES = 8

_SUBPROCESS = ("/subprocess.py",)
_QUEUES = ("/queue.py", "/multiprocessing/queues.py", "/asyncio/queues.py")
_TASKS, _TASK_LOCKS = ("/asyncio/tasks.py",), ("/asyncio/locks.py",)
_POOLS = ("/concurrent/futures/", "/multiprocessing/pool.py", "/joblib/", "/torch/utils/data/dataloader.py")
_SOCKETS = ("/socket.py", "/ssl.py")
_LOOP = ("socket", "accept", "events")  # what an event loop waits for while all of its tasks are suspended
_INDIRECT = ("lock", "pipe", "events", "sleep", "")  # means by which the standard library waits for something else

#: What is waited for -> how it is called without a name, and how with one.
_WORDS = {
    "socket": ("a socket", "{}"),
    "accept": ("clients to connect", "clients to connect to {}"),
    "file": ("the file system", "the file {}"),
    "files": ("files", "files in {}"),
    "pipe": ("a pipe", "the pipe {}"),
    "device": ("a device", "the device {}"),
    "child": ("a child process", "the child process {}"),
    "lock": ("a lock", "{}"),
    "queue": ("a queue", "{}"),
    "workers": ("its own workers", "{}"),
    "gil": ("the interpreter lock (GIL)", "{}"),
    "native": ("native threads of its own process", "{}"),
    "sleep": ("a sleep to end", "{}"),
    "events": ("events", "{}"),
    "memory": ("memory pages to be read from disk", "{}"),
}


class Target(NamedTuple):
    """Something that a thread waits for. ``what``: as in ``facts.Wait``, or found from frames and CPU time: queue,
    workers (threads or processes that the program started), native (threads that Python does not know, computing);
    ``files``: several, with their folder as the name."""

    what: str
    name: str = ""

    def __str__(self) -> str:
        plain, named = _WORDS[self.what]
        return named.format(self.name) if self.name else plain

    @property
    def verb(self) -> str:
        """What a line does that waits for this."""
        return "sleeps" if self.what == "sleep" else f"waits for {self}"


UNKNOWN, GIL, NATIVE = Target(""), Target("gil"), Target("native")
OUTSIDE = ("socket", "file", "files", "device", "memory")  # what does not depend on the program
COMPUTING = GIL, NATIVE  # while it waits, other threads of the process compute
Sums = dict[Target, tuple[float, int]]  # seconds and samples


@dataclass(frozen=True, eq=False)
class Waits:
    """Each sampled thread's waits as seen from outside, by (process, native id)."""

    targets: Mapping[int, Target] = field(default_factory=lambda: {0: UNKNOWN})
    _seen: Mapping[tuple[int, int], Records] = field(default_factory=dict)
    _native: Mapping[tuple[int, int], int] = field(default_factory=dict)  # by (process, number from ``by_thread``)

    @classmethod
    def compute(cls, recording: Recording) -> Waits:
        """Raises Missing when no wait was seen."""
        if not len(recording.waits):
            raise Missing("What threads waited for was not read.")
        facts = recording.facts
        targets = {0: UNKNOWN}
        targets |= {fact.id: Target(fact.what, fact.name) for _, fact in facts.of(Wait) if fact.what in _WORDS}
        native = {(process, fact.index + 1): fact.native_id for process, fact in facts.of(Thread)}
        native |= {(process.index, 0): process.pid for process in facts.processes}
        rows = _sorted(_with_native(recording, targets), "t0")
        keys = rows["process"].astype("i8") << 40 | (rows["arg"] >> 32).astype("i8")
        seen = {(key >> 40, key & ((1 << 40) - 1)): rows[keys == key] for key in np.unique(keys).tolist()}
        return cls(targets, seen, native)

    def sums(self, numbers: npt.NDArray[np.int64], seconds: Any, samples: Any) -> Sums:
        """Seconds and samples by target, of records with these numbers from ``during``."""
        each, inverse = np.unique(numbers, return_inverse=True)
        totals = [np.bincount(inverse, weights, len(each)).tolist() for weights in (seconds, samples)]
        found: Sums = {}
        for number, *added in zip(each.tolist(), *totals, strict=True):
            target = self.targets.get(number, UNKNOWN)
            before = found.get(target, (0.0, 0))
            found[target] = before[0] + added[0], before[1] + int(added[1])
        return found

    def during(self, process: int, thread: int, rows: Records) -> npt.NDArray[np.int64]:
        """What the thread waited for at the end of each of its samples: a key of ``targets``, 0 if unknown."""
        seen = self._seen.get((process, self._native.get((process, thread), 0)))
        return np.zeros(len(rows), "i8") if seen is None else _at(seen, rows["t1"])


def _sorted(rows: Records, column: str) -> Records:
    found: Records = rows[np.argsort(rows[column], kind="stable")]
    return found


def _at(seen: Records, times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The wait at each time, 0 if unknown."""
    waits = (seen["arg"] & signals.STACK_MASK).astype("i8")
    last = np.searchsorted(seen["t0"], times, side="right") - 1
    before, after = np.clip(last, 0, len(seen) - 1), np.clip(last + 1, 0, len(seen) - 1)
    since, until = times - seen["t1"][before], seen["t0"][after] - times
    between = (last >= 0) & (last + 1 < len(seen))
    same = between & (waits[before] == waits[after]) & (since + until <= _GAP_NS)
    with_before = (last >= 0) & ((since <= 0) | same | (since <= _NEAR_NS))
    with_after = (last + 1 < len(seen)) & (until <= _NEAR_NS)
    found: npt.NDArray[np.int64] = np.where(with_before, waits[before], np.where(with_after, waits[after], 0))
    return found


def _with_native(recording: Recording, targets: dict[int, Target]) -> Records:
    """The rows; a lock that is waited for while threads unknown to Python compute is a wait for those threads."""
    rows: Records = recording.waits.copy()
    locks = [wait for wait, target in targets.items() if target.what == "lock"]
    computes = np.isin(rows["arg"] & signals.STACK_MASK, locks) & (rows["flags"] >= 100 * _COMPUTES)
    for process in np.unique(rows["process"][computes]).tolist():
        mine = computes & (rows["process"] == process)
        begins, ends = rows["t0"][mine] - _LOOK_NS, rows["t1"][mine]
        used = rows["flags"][mine] / 100 * (ends - begins)
        native = _python_ns(recording, process, begins, ends) < used / 2
        at = np.flatnonzero(mine)[native]
        rows["arg"][at] |= signals.STACK_MASK
    targets[signals.STACK_MASK] = NATIVE
    return rows


def _python_ns(recording: Recording, process: int, begins: Any, ends: Any) -> Any:
    """CPU time of the process's sampled threads in each interval."""
    tables = (recording.stacks, signals.STACK_CPU), (recording.threads, signals.THREAD_CPU)
    total = np.zeros(len(begins), "i8")
    for rows, kind in tables:
        ran = _sorted(rows[(rows["process"] == process) & (rows["kind"] == kind)], "t1")
        sums = np.concatenate(([0], np.cumsum(ran["t1"] - ran["t0"])))
        total += sums[np.searchsorted(ran["t1"], ends, side="right")] - sums[np.searchsorted(ran["t1"], begins)]
    return total


def refined(target: Target, below: Iterable[Named]) -> Target:
    """``target`` by the library calls that wait: they say what it is for, or say it alone where the kernel does not."""
    below = tuple(below)
    if through(below, _SUBPROCESS) and target.what in ("child", *_INDIRECT):
        return target if target.what == "child" else Target("child")
    if target.what in _INDIRECT and through(below, _POOLS):
        return Target("workers")
    if target.what in (*_LOOP, *_INDIRECT) and through(below, _QUEUES):
        return Target("queue")
    if target.what in _LOOP and through(below[-1:], (*_TASKS, *_TASK_LOCKS)):
        return Target("sleep" if below[-1].function == "sleep" else "lock" if through(below[-1:], _TASK_LOCKS) else "")
    return Target("socket") if target == UNKNOWN and through(below[-1:], _SOCKETS) else target


class Waited:
    """Blocked seconds by what they were waited for, as far as that is known."""

    def __init__(self) -> None:
        self.seconds: dict[Target, float] = {}
        self.samples = 0
        self.blocked_seconds = 0.0

    def add(self, sums: Sums, below: Iterable[Named]) -> None:
        """``below``: the library calls that waited."""
        for target, (seconds, samples) in sums.items():
            self.blocked_seconds += seconds
            target = refined(target, below)
            if target != UNKNOWN:
                self.seconds[target] = self.seconds.get(target, 0.0) + seconds
                self.samples += samples

    def share_of(self, what: str) -> float | None:
        """The same share of all targets of a kind."""
        return self.share(*(target for target in self.seconds if target.what == what))

    def share(self, *targets: Target) -> float | None:
        """The share of some targets in the known time; None if that is too little to speak for the rest."""
        known = sum(self.seconds.values())
        if known <= _KNOWN * self.blocked_seconds:
            return None
        return sum(self.seconds.get(target, 0.0) for target in targets) / known

    @property
    def main(self) -> Target | None:
        """What most of the time was waited for; None if that is not known."""
        if self.samples < _MIN_SAMPLES or self.share() is None:
            return None
        kinds: dict[str, float] = {}
        for target, each in self.seconds.items():
            kinds[target.what] = kinds.get(target.what, 0.0) + each
        what = max(kinds, key=lambda kind: kinds[kind])
        if kinds[what] < _MOSTLY * sum(kinds.values()) or what == "events":
            return None
        names = {target.name: each for target, each in self.seconds.items() if target.what == what and target.name}
        name = _common(names)
        if what == "file" and not name and len(names) > 1:
            return Target("files", _common(_folders(names)))
        return Target(what, name)


def _common(names: dict[str, float]) -> str:
    """The name with most of the time, "" if none has."""
    name = max(names, key=lambda one: names[one], default="")
    return name if name and names[name] >= _MOSTLY * sum(names.values()) else ""


def _folders(names: dict[str, float]) -> dict[str, float]:
    folders: dict[str, float] = {}
    for name, seconds in names.items():
        folder = name.rpartition("/")[0] or "/"
        folders[folder] = folders.get(folder, 0.0) + seconds
    return folders
