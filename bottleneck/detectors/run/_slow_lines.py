"""The lines of a run that match a known slow pattern, each with all that its replacement takes away. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from ... import signals
from ...artifacts.run.host import Host
from ...artifacts.run.machine import Machine
from ...artifacts.run.servers import servers
from ...artifacts.run.user_lines import UserLine, UserLines
from ...diagnosis.findings import Stage
from ...patterns import Pattern
from ...patterns.known import PATTERNS
from ...recording.facts import KnownLine
from ...recording.model import Recording
from ._removed import Cores

_PATTERNS = {pattern.id: pattern for pattern in PATTERNS}
_ABOUT = 0.25  # of a loop's time in matching lines: then the loop is about what the pattern describes
_OF_WAITING = ("wait", "overlap")  # laws of patterns whose time passes in somebody else's work
_COMPUTES = 0.5  # of a core
_STANDS_IN = 0.5  # of the client's wait, in other lines that wait
_MATTERS = 0.25  # of the heaviest line's time


@dataclass(frozen=True)
class SlowLine:
    """A line of the run with the pattern that its source is an instance of."""

    line: UserLine
    pattern: Pattern
    share: float  # of the line's time, what is spent in the pattern
    stage: Stage
    cause: int  # the line to change
    cause_file: str
    same_function: bool  # as the line's
    run_seconds: float
    cores: Cores
    loop: tuple[int, int]  # the lines of the loop that the replacement takes the place of; (0, 0) without one
    backward: float = 0.0  # seconds of the backward pass per second of the forward pass
    beside: tuple[SlowLine, ...] = ()  # other lines that the same replacement takes away

    @property
    def seconds(self) -> float:
        """Of the run's wall time, in the pattern; lines of several threads run at the same time."""
        own = self.line.seconds * self.share + sum(each.own_seconds for each in self.beside)
        return min(own * (1.0 + self.backward), self.run_seconds)

    @property
    def own_seconds(self) -> float:
        """The same without the backward pass through what it computed."""
        return self.seconds / (1.0 + self.backward)

    @property
    def thread_seconds(self) -> float:
        return self.line.thread_seconds * self.share + sum(each.thread_seconds for each in self.beside)

    @property
    def samples(self) -> int:
        return self.line.samples + sum(each.samples for each in self.beside)


def slow_lines(recording: Recording, lines: UserLines, machine: Machine | None, host: Host | None) -> list[SlowLine]:
    """The lines with a pattern, the largest first, each once: with what the same replacement takes away beside it."""
    backward = _backward(recording)
    facts = {(fact.file, fact.line, fact.function): fact for _, fact in recording.facts.of(KnownLine)}
    known, others, serving = [], [], frozenset(servers(recording))
    for line in (*lines.lines, *lines.unclaimed):
        fact = facts.get(line.key)
        pattern = _PATTERNS.get(fact.pattern) if fact is not None else None
        waits_apart = line.apart and line.blocked_share > 0.5  # such as the clients of a server that is tried
        waits_apart = waits_apart and not (line.answers or line.processes <= serving)
        if fact is None or pattern is None:
            others.append(line)
        elif not waits_apart and not (pattern.price.law in _OF_WAITING and _for_own_server(line, lines, host)):
            stage: Stage = fact.stage if fact.stage in get_args(Stage) else "etl"  # type: ignore[assignment]
            cause, cores = fact.cause or line.line, Cores.during(line, machine, host)
            known.append(
                SlowLine(
                    line,
                    pattern,
                    fact.share,
                    stage,
                    cause,
                    fact.cause_file or line.file,
                    fact.same_function,
                    lines.wall_seconds,
                    cores,
                    fact.loop,
                    backward if pattern.differentiated and stage == "training" else 0.0,
                )
            )
    merged = _merged(_innermost(known), others)
    return sorted(merged, key=lambda each: -each.seconds)


def _backward(recording: Recording) -> float:
    """Seconds of the backward pass per second of forward pass, over the run.

    The operations of the forward pass are assumed to share the backward pass in proportion to their time.
    """
    rows = recording.stacks
    seconds, phase = (rows["t1"] - rows["t0"]) / 1e9, rows["flags"] & 0xFF
    forward, backward = (float(seconds[phase == each].sum()) for each in (signals.FORWARD, signals.BACKWARD))
    return backward / forward if forward > 0 else 0.0


def _for_own_server(line: UserLine, lines: UserLines, host: Host | None) -> bool:
    """Whether it waits for the program's own server, and not for a latency that asking more at once would hide.

    A stand-in for a distant service sleeps, as that service would make its client wait. A server that computes is no
    latency, and one that does neither has a fault of its own.
    """
    if not lines.asks_own_server(line):
        return False
    if (line.busy_cores(host) or 0.0) >= _COMPUTES:
        return True
    others = (each for each in lines.lines if each is not line and each.own_share > 0.5 and not each.idle)
    waits = sum(each.blocked_seconds for each in others if not lines.asks_own_server(each))
    return waits < _STANDS_IN * line.seconds


def _innermost(known: list[SlowLine]) -> list[SlowLine]:
    """Without lines of which a deeper one that is known holds most of the time: that one is the cause."""
    known = [each for each in known if not any(_is_part(each, other) for other in known)]
    return [each for each in known if not any(_contains(each, other) for other in known if other is not each)]


def _is_part(inner: SlowLine, outer: SlowLine) -> bool:
    """Whether it is a lambda or a comprehension on the same line, of which the whole is an instance, too; or a function
    that the outer line hands over, which is where the inner one says that the cause is."""
    if inner.pattern != outer.pattern or inner.seconds > outer.seconds:
        return False
    here = outer.line.file, outer.line.line
    if (inner.line.file, inner.line.line) == here:
        return inner.line.function.startswith(outer.line.function + ".<locals>.")
    return (inner.cause_file, inner.cause) == here and _calls(outer, inner)


def _merged(known: list[SlowLine], others: list[UserLine]) -> Iterator[SlowLine]:
    """The lines of one function (with ``across``, file) with the same pattern as one, at the first that matters.

    The others use what that made.
    """
    groups: dict[tuple[str, str, str], list[SlowLine]] = {}
    for each in known:
        function = "" if each.pattern.across else each.line.function
        groups.setdefault((each.pattern.id, each.line.file, function), []).append(each)
    for group in groups.values():
        matters = [each for each in group if each.seconds >= _MATTERS * group[0].seconds]
        first = min(matters, key=lambda each: each.line.line)
        beside = *(each for each in group if each is not first), *_of_the_loop(group, others)
        yield replace(first, beside=beside, cause=min(each.cause for each in matters))


def _of_the_loop(group: list[SlowLine], others: list[UserLine]) -> list[SlowLine]:
    """The rest of the loops that the replacement takes the place of; nothing if the loops are about something else."""
    first = group[0]
    loops = [each.loop for each in group if any(each.loop)]
    rest = [
        replace(first, line=line, share=line.own_share)
        for line in others
        if (line.file, line.function) == (first.line.file, first.line.function)
        and any(begin <= line.line <= end for begin, end in loops)
    ]
    matching, whole = (sum(each.seconds for each in part) for part in (group, [*group, *rest]))
    return rest if matching >= _ABOUT * whole else []


def _contains(outer: SlowLine, inner: SlowLine) -> bool:
    """Whether most of the outer line's time is spent in the inner one, which it calls."""
    return inner.seconds >= 0.5 * outer.seconds and _calls(outer, inner)


def _calls(outer: SlowLine, inner: SlowLine) -> bool:
    """Whether the inner line's function was seen below the outer line."""
    if (outer.line.file, outer.line.function) == (inner.line.file, inner.line.function):
        return False  # a function that calls itself: its lines stand below each other
    if not outer.line.processes & inner.line.processes:
        return False
    called = {(each.function, each.file) for way in outer.line.ways for each in way.below if each.user}
    return (inner.line.function, inner.line.file) in called
