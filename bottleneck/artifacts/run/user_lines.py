"""The time that each user line holds, over all sampled threads of all processes, whatever the program does. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts import Wait
from ...recording.intervals import seconds_of, spans_of, union
from ...recording.model import Recording, Records
from ...recording.native_calls import DELAYED_MS as NATIVE_MS
from .. import Missing
from .every_thread import by_thread
from .host import Host
from .servers import answers
from .waits import COMPUTING, GIL, OUTSIDE, Sums, Target, Waited, Waits
from .ways import Key, Place, Way, files_by_value, placed, places, script_of, unclaimed

MIN_SAMPLES = 30  # with fewer samples, no line is named
_WORKERS = "gunicorn/workers/"  # forked by the program to answer its requests
_TICK_NS = 70_000_000  # of CPU time: ticks are at most so far apart
_MIN_KEPT = 8  # fewest samples of a kept line: lines of one function may count together
_MIN_SHARE = 0.03  # of the run: lighter lines are not kept
_MIN_SERVED = 0.1  # of the run: a server that takes as much is what a child process is there to try
_AWAITS = 0.9  # of the time of a line in which tasks wait for others
_MAX_LINES = 40
_MAX_STRETCH = 10.0
_HERE = ("127.", "localhost", "[::1]", "::1")  # addresses of this machine
_MAX_WAYS = 40  # distinct calls below one line


@dataclass(frozen=True, eq=False)
class UserLine:
    """A line, including everything it calls. ``seconds``: wall time of the run in which any thread was in it.

    ``thread_seconds``: summed over threads; ``blocked_seconds``: the part in which a thread neither ran nor waited for
    a core; ``own_seconds``: the part with no deeper user frame. ``tasks``: mean number of event-loop tasks that waited
    at the same time, including this line's; 0 if no task was seen waiting. ``waits``: what its blocked time was spent
    waiting for.
    """

    file: str
    line: int
    function: str
    seconds: float
    thread_seconds: float
    blocked_seconds: float
    own_seconds: float
    samples: int
    processes: frozenset[int]
    beside: bool  # threads other than the main one were seen there
    apart: bool  # only other programs, started by the user's, were seen there
    ways: dict[Way, float]  # way -> thread seconds, heaviest first
    caller: Key | None  # the user line that most of the time was called from
    tasks: float
    waits: Waited
    rows: Records = field(repr=False)
    times: int = 1  # it was executed at least so often: a thread was seen elsewhere in between

    @property
    def key(self) -> Key:
        return self.file, self.line, self.function

    @property
    def blocked_share(self) -> float:
        return self.blocked_seconds / max(self.thread_seconds, 1e-9)

    @property
    def waits_for(self) -> Target | None:
        """What it waits for most of its blocked time; None if that is not known."""
        return self.waits.main

    @property
    def gil_share(self) -> float | None:
        """Share of its blocked time in which it waited for the GIL; None if what it waited for is not known."""
        return self.waits.share(GIL)

    @property
    def waiting_share(self) -> float:
        """``blocked_share`` without what is computing: waits for the GIL or for native threads, as far as known."""
        return self.blocked_share * (1.0 - (self.waits.share(*COMPUTING) or 0.0))

    @property
    def idle(self) -> bool:
        """Whether it mostly waits for something to do: an event loop or a server."""
        clients = self.waits_for is not None and self.waits_for.what == "accept" and self.blocked_share >= 0.5
        return clients or self.share_where(lambda way: way.idle) >= 0.5

    @property
    def handles(self) -> bool:
        """Whether it is mostly seen below a request handler."""
        return self.share_where(lambda way: way.handler) > 0.5

    @property
    def answers(self) -> bool:
        """The same, or in the pool of threads in which Starlette calls handlers that are no coroutines."""
        return self.share_where(lambda way: way.handler or way.pooled) > 0.5

    @property
    def own_share(self) -> float:
        """Share of its time in which it is the innermost user frame."""
        return self.own_seconds / max(self.thread_seconds, 1e-9)

    @property
    def native_share(self) -> float | None:
        """Share of its running time in native calls of several milliseconds; None off the main thread."""
        rows = self.rows[self.rows["kind"] != signals.STACK_BLOCKED]
        if self.beside or not len(rows):
            return None
        each = (rows["t1"] - rows["t0"]) / 1e9
        return float(each[rows["flags"] >> 8 >= NATIVE_MS].sum() / max(float(each.sum()), 1e-9))

    def busy_cores(self, host: Host | None) -> float | None:
        """Cores that the program used while it was in the line; None if not measured, or for under a second."""
        used = None if host is None else host.rate("cpu_ns_total", self.rows["t0"], self.rows["t1"])
        return None if used is None else used / 1e9

    @property
    def sampled(self) -> bool:
        """Whether it has enough samples to be named."""
        return self.samples >= MIN_SAMPLES

    @property
    def threads(self) -> float:
        """Mean number of threads in the line while any is."""
        return self.thread_seconds / max(self.seconds, 1e-9)

    @property
    def at_once(self) -> float | None:
        """The same without those that wait for a lock; None if it is not known what they wait for."""
        locked = self.waits.share_of("lock")
        if locked is None:
            return None
        return (self.thread_seconds - locked * self.blocked_seconds) / max(self.seconds, 1e-9)

    @property
    def waits_for_others(self) -> bool:
        """Whether it mostly waits for other threads or processes of the program."""
        return self.share_where(lambda way: way.joins) >= 0.5

    def share_of(self, matching: set[Way]) -> float:
        """Share of the line's time spent in these ways."""
        return self.share_where(matching.__contains__)

    def share_where(self, holds: Callable[[Way], bool]) -> float:
        """Share of the line's time spent in ways for which ``holds`` is true."""
        return sum(seconds for way, seconds in self.ways.items() if holds(way)) / max(self.thread_seconds, 1e-9)


@dataclass(frozen=True)
class UserLines:
    """The user lines that hold the most time of a run, largest first.

    ``unclaimed``: line 0, if a server works where no line of the user's called it.
    """

    lines: tuple[UserLine, ...]
    wall_seconds: float
    workers: frozenset[int] = frozenset()  # the processes that load data
    serves: bool = False  # a server of the program's own was seen to wait for clients, or to answer them
    unclaimed: tuple[UserLine, ...] = ()

    @classmethod
    def compute(cls, recording: Recording, waits: Waits | None = None) -> UserLines:
        """Raises Missing when no call stack was sampled."""
        if not len(recording.stacks):
            why = recording.facts.failed.get("stacks")
            raise Missing("Call stacks were not sampled" + (f" ({why})." if why else "."))
        found: dict[Key, _Sum] = {}
        script, seen, by_value = script_of(recording), waits or Waits(), files_by_value(recording)
        for process, thread, rows in by_thread(recording):
            stretch = _stretch_factor(recording, process, rows) if not thread else 1.0
            apart, forked = bool(script) and not recording.is_root(process), _is_forked(recording, process)
            order = np.argsort(np.argsort(rows["t1"], kind="stable"))
            waited_for = seen.during(process, thread, rows)
            blocked = rows["kind"] == signals.STACK_BLOCKED
            seconds, samples = (rows["t1"] - rows["t0"]) / 1e9, _samples(rows, bool(thread))
            for stack, at in _by_stack(rows):
                frames = placed(recording.facts.stacks.get((process, stack), ()), script, by_value)
                off = at[blocked[at]]
                waited = seen.sums(waited_for[off], seconds[off], samples[off])
                elsewhere = apart and not (forked and any(_WORKERS in frame.file for frame in frames))
                for place in (*places(frames), *unclaimed(frames, script)):
                    of_line = found.setdefault(place.key, _Sum())
                    of_line.add((process, thread), rows[at], stretch, place, elsewhere, waited)
                    of_line.seen.setdefault((process, thread), []).append(order[at])
        least = _MIN_SHARE * recording.wall_seconds
        lines = [each.line(key, recording.wall_seconds) for key, each in found.items() if each.thread_seconds >= least]
        lines = [line for line in lines if line.samples >= _MIN_KEPT and line.seconds >= least]
        lines = sorted(lines, key=lambda line: -line.seconds)[:_MAX_LINES]
        workers = frozenset(p.index for p in recording.facts.processes if p.role == signals.WORKER)
        accepts = any(fact.what == "accept" for _, fact in recording.facts.of(Wait))
        asked = bool((recording.requests["kind"] == signals.REQUEST).any())
        serves = accepts or asked or any(answers(frames) for frames in recording.facts.stacks.values())
        mine, beyond = (tuple(line for line in lines if bool(line.line) is own) for own in (True, False))
        return cls(mine, recording.wall_seconds, workers, serves, beyond)

    def share(self, line: UserLine) -> float:
        """Share (0..1) of the run's wall time."""
        return line.seconds / max(self.wall_seconds, 1e-9)

    def largest(self, process: int, events: Collection[Key] = ()) -> UserLine | None:
        """The line of a process with most time of its own, not counting lines with a more telling user line below them.

        If it waits for other threads or processes, the busiest line of those instead, or else the one that waits most
        for something outside. Idle lines, lines of a loader's workers and the lines in ``events`` do not count.
        """
        lines = [line for line in self.lines if line.key not in events]
        own = [line for line in lines if line.own_share >= 0.5 and not line.idle]
        here = [line for line in own if process in line.processes]
        here = [line for line in here if line.sampled or line.waits_for_others or self.asks_own_server(line)]
        largest = max(here, key=_own_seconds, default=None)
        # A launcher, such as torchrun, has no line of the user's: the lines are in the processes that it starts.
        launcher = not any(process in line.processes for line in self.lines)
        if not launcher and (largest is None or not largest.waits_for_others):
            return largest
        others = [line for line in own if line.sampled and not line.processes <= self.workers]
        busy = [line for line in others if line.waiting_share < 0.5]
        outside = [line for line in others if line.waits_for is not None and line.waits_for.what in OUTSIDE]
        return max(busy or outside, key=_own_seconds, default=largest if largest and largest.sampled else None)

    def asks_own_server(self, line: UserLine) -> bool:
        """Whether a line mostly waits for a server that the program runs itself, for example to try it."""
        target = line.waits_for
        if not self.serves or target is None or line.blocked_share < 0.5 or line.answers:
            return False
        if target.what == "child":  # a client in a process of its own
            server = self.server()
            return server is not None and self.share(server) >= _MIN_SERVED
        return target.what == "socket" and (not target.name or target.name.startswith(_HERE))

    def asks_own_server_at(self, file: str, line: int) -> bool:
        """The same for a line by its place."""
        return any(self.asks_own_server(each) for each in self.lines if (each.file, each.line) == (file, line))

    def awaits_at(self, file: str, line: int) -> bool:
        """Whether tasks of an event loop mostly wait in a line."""
        lines = [each for each in self.lines if (each.file, each.line) == (file, line)]
        return any(each.tasks and each.blocked_share >= _AWAITS for each in lines)

    def server(self) -> UserLine | None:
        """The line with most time of its own in a request handler, or else off the main thread; None if few were seen.

        Time of a server counts even with few samples: the threads that answer are many and short.
        """
        own = [line for line in self.lines if line.own_share >= 0.5 and not line.idle]
        busy = [line for line in own if line.beside and line.sampled and line.waiting_share < 0.5]
        return max([line for line in own if line.answers] or busy, key=_own_seconds, default=None)


def _own_seconds(line: UserLine) -> float:
    return line.seconds * line.own_share


class _Sum:
    """Totals over the stacks that contain one line."""

    def __init__(self) -> None:
        self.thread_seconds = self.blocked_seconds = self.own_seconds = 0.0
        self.samples = 0
        self.apart = True
        self.ways: dict[Way, float] = {}
        self.callers: Counter[Key | None] = Counter()
        self.suspended_seconds = self.tasks_seconds = 0.0
        self.waits = Waited()
        self.parts: list[tuple[tuple[int, int], Records]] = []
        self.seen: dict[tuple[int, int], list[npt.NDArray[np.int64]]] = {}  # thread -> places in the order of its rows

    @property
    def times(self) -> int:
        """How often a thread came to the line at least; samples of a task that waits do not tell."""
        if self.suspended_seconds:
            return 1
        left = (np.diff(np.sort(np.concatenate(places))) > 1 for places in self.seen.values())
        return max((1 + int(each.sum()) for each in left), default=1)

    def add(
        self,
        thread: tuple[int, int],
        rows: Records,
        stretch: float,
        place: Place,
        apart: bool,
        waited: Sums,
    ) -> None:
        each = (rows["t1"] - rows["t0"]) / 1e9
        blocked = rows["kind"] == signals.STACK_BLOCKED
        seconds = float(each[~blocked].sum()) * stretch + float(each[blocked].sum())
        self.thread_seconds += seconds
        self.blocked_seconds += float(each[blocked].sum())
        self.own_seconds += seconds if place.innermost else 0.0
        if not thread[1]:
            tasks = (rows["flags"] >> 8) * blocked
            self.suspended_seconds += float(each[tasks > 0].sum())
            self.tasks_seconds += float((each * tasks).sum())
        self.apart &= apart and not place.worker
        self.samples += int(_samples(rows, bool(thread[1])).sum())
        self.ways[place.way] = self.ways.get(place.way, 0.0) + seconds
        self.callers[place.caller] += seconds  # type: ignore[assignment]
        self.parts.append((thread, rows))
        self.waits.add(waited, place.way.below)

    def line(self, key: Key, wall_seconds: float) -> UserLine:
        rows = np.concatenate([part for _, part in self.parts])
        threads = {thread for thread, _ in self.parts}
        processes = frozenset(process for process, _ in threads)
        # The union of all threads' samples, stretched by the time they waited for a core.
        sampled = max(float((rows["t1"] - rows["t0"]).sum()) / 1e9, 1e-9)
        seconds = seconds_of(union([spans_of(rows["t0"], rows["t1"])])) * self.thread_seconds / sampled
        seconds = min(seconds, wall_seconds)
        ways = dict(sorted(self.ways.items(), key=lambda pair: -pair[1])[:_MAX_WAYS])
        sums = self.thread_seconds, self.blocked_seconds, self.own_seconds
        beside, caller = any(thread for _, thread in threads), self.callers.most_common(1)[0][0]
        tasks = self.tasks_seconds / max(self.suspended_seconds, 1e-9)
        kept = self.waits, rows, self.times
        return UserLine(*key, seconds, *sums, self.samples, processes, beside, self.apart, ways, caller, tasks, *kept)


def _samples(rows: Records, beside: bool) -> npt.NDArray[np.int64]:
    """Samples in each record; off the main thread, one stands for several identical ones in a row, or for none.

    A tick that finds the main thread in a long C call is delivered at its end: it stands for all that were due.
    """
    if beside:
        counts: npt.NDArray[np.int64] = rows["flags"].astype("i8") >> 8
        return counts
    due = (rows["t1"] - rows["t0"]).astype("i8") // _TICK_NS
    return np.where(rows["kind"] == signals.STACK_BLOCKED, 1, np.maximum(1, due))


def _is_forked(recording: Recording, process: int) -> bool:
    known = recording.facts.processes
    return process < len(known) and known[process].role == signals.FORKED


def _stretch_factor(recording: Recording, process: int, rows: Records) -> float:
    """Wall seconds per running second: samples miss the wait for a core, which is charged to the running code."""
    facts = recording.facts.processes[process]
    begins = max(facts.hello_ns, recording.started_ns)
    alive = ((facts.bye_ns or recording.ended_ns) - begins) / 1e9
    each, blocked = (rows["t1"] - rows["t0"]) / 1e9, rows["kind"] == signals.STACK_BLOCKED
    running = float(each[~blocked].sum())
    waiting = alive - running - float(each[blocked].sum())
    return min(_MAX_STRETCH, 1.0 + max(0.0, waiting) / running) if running > 0 else 1.0


def _by_stack(rows: Records) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """(stack id, indices of the rows with that stack)."""
    order = np.argsort(rows["arg"], kind="stable")
    stacks, starts = np.unique(rows["arg"][order], return_index=True)
    yield from zip(stacks.tolist(), np.split(order, starts[1:]), strict=True)
