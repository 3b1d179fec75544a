"""A loop that makes the input of its own step, in any framework: the time for that, and the rest. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording.facts import KnownLine, UserLoop
from ...recording.model import Recording, Records
from .. import Absent, Missing
from ..run.frames import through
from ..run.host import Host
from ..run.machine import Machine
from ..run.user_lines import MIN_SAMPLES, UserLine, UserLines
from ..run.ways import Way
from ..training.environments import answers, is_of_a_policy

_MOSTLY = 0.5
#: Frames of code that makes items in other threads, other processes or native code while the loop waits.
_ELSEWHERE = (
    "/threading.py", "/queue.py", "/concurrent/", "/multiprocessing/", "/torch/utils/data/", "/tensorflow/",
    "/grain/", "/joblib/", "/ray/", "/dask/", "/distributed/", "/asyncio/",
)  # fmt: skip


@dataclass(frozen=True)
class OwnItems:
    """Seconds of the loop, split into making items and the rest; its first pass, which may compile, is left out.

    ``made_at``: the deepest line that holds most of the making. Shares of the making: ``made_elsewhere_share`` waiting
    for other threads or processes; ``acting_share`` in a policy or environment; ``called_share`` below a call that has
    frames of its own. ``busy_cores``: cores the program keeps busy meanwhile; ``cores``: those plus idle ones.
    ``turns``: switches from making to the rest.
    """

    loop: UserLoop
    made_at: UserLine
    making_seconds: float
    rest_seconds: float
    blocked_share: float
    made_elsewhere_share: float
    acting_share: float
    called_share: float
    turns: int
    samples: int
    cores: float
    busy_cores: float
    made_in: frozenset[tuple[str, str]]  # (function, file) of the frames below the making

    @property
    def loop_function(self) -> tuple[str, str]:
        return self.loop.function, self.loop.file

    @property
    def making_share(self) -> float:
        return self.making_seconds / max(self.making_seconds + self.rest_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, lines: UserLines, machine: Machine, host: Host | None) -> OwnItems:
        loops = [fact for _, fact in recording.facts.of(UserLoop)]
        if not loops:
            raise Absent("No loop prepares the input of its own step.")
        found = [each for loop in loops if (each := _of(loop, recording, lines, machine, host)) is not None]
        if not found:
            raise Missing("Too few samples fell into a loop that prepares the input of its own step.")
        # A loop that runs inside another loop's making is part of that loop.
        outer = [each for each in found if not any(each.loop_function in other.made_in for other in found)]
        return max(outer or found, key=lambda each: min(each.making_seconds, each.rest_seconds))


def _of(loop: UserLoop, recording: Recording, lines: UserLines, machine: Machine, host: Host | None) -> OwnItems | None:
    inside = [
        line
        for line in lines.lines
        if (line.file, line.function) == (loop.file, loop.function) and loop.line <= line.line <= loop.last
    ]
    makes = [line for line in inside if any(first <= line.line <= last for first, last in loop.makes)]
    rest = [line for line in inside if line not in makes]
    if not makes or not rest:
        return None
    process = int(np.bincount(makes[0].rows["process"]).argmax())
    rows, making = _after_first_pass(_rows(makes, process), _rows(rest, process))
    turns = int((making[:-1] & ~making[1:]).sum())
    if len(rows) < MIN_SAMPLES:
        return None
    each = (rows["t1"] - rows["t0"]) / 1e9
    begins, ends = int(rows["t0"].min()), int(rows["t1"].max())
    busy, cores = _cores(begins, ends, machine, host)
    whole = sum(line.thread_seconds for line in makes)
    ways = _ways(makes)

    def share(matching: list[Way]) -> float:
        return sum(ways[way] for way in matching) / max(whole, 1e-9)

    return OwnItems(
        loop,
        _deepest(makes, lines, recording),
        float(each[making].sum()) * _stretch(makes),
        float(each[~making].sum()) * _stretch(rest),
        sum(line.waiting_share * line.thread_seconds for line in makes) / max(whole, 1e-9),
        share([way for way in ways if through(way.below, _ELSEWHERE)]),
        share([way for way in ways if is_of_a_policy(way.below) or any(map(answers, way.below))]),
        share([way for way in ways if way.below]),
        turns,
        len(rows),
        cores,
        busy,
        _called(makes),
    )


def _rows(lines: list[UserLine], process: int) -> Records:
    rows = np.concatenate([line.rows for line in lines])
    found: Records = rows[rows["process"] == process]
    return found


def _stretch(lines: list[UserLine]) -> float:
    """Wall seconds per sampled second: samples do not cover the time a thread waits for a core."""
    sampled = sum(float((line.rows["t1"] - line.rows["t0"]).sum()) / 1e9 for line in lines)
    return sum(line.seconds for line in lines) / max(sampled, 1e-9)


def _after_first_pass(making: Records, rest: Records) -> tuple[Records, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The samples in time order from the second making on, and a mask of those in the making."""
    rows = np.concatenate([making, rest])
    makes = np.arange(len(rows)) < len(making)
    order = np.argsort(rows["t0"], kind="stable")
    rows, makes = rows[order], makes[order]
    again = np.flatnonzero(~makes[:-1] & makes[1:]) + 1
    begin = int(again[0]) if len(again) else len(rows)
    return rows[begin:], makes[begin:]


def _ways(lines: list[UserLine]) -> dict[Way, float]:
    found: dict[Way, float] = {}
    for line in lines:
        for way, seconds in line.ways.items():
            found[way] = found.get(way, 0.0) + seconds
    return found


def _called(lines: list[UserLine]) -> frozenset[tuple[str, str]]:
    """(function, file) of each user frame below the lines."""
    return frozenset(
        (each.function, each.file) for line in lines for way in line.ways for each in way.below if each.user
    )


def _deepest(makes: list[UserLine], lines: UserLines, recording: Recording) -> UserLine:
    """The deepest line that holds most of the making; lines known to be slow come first."""
    whole = sum(line.thread_seconds for line in makes)
    called = _called(makes)
    deeper = [line for line in lines.lines if (line.function, line.file) in called]
    holding = [line for line in (*makes, *deeper) if line.thread_seconds >= _MOSTLY * whole] or makes
    known = {(fact.file, fact.line, fact.function) for _, fact in recording.facts.of(KnownLine) if fact.pattern}
    slow = [line for line in holding if (line.file, line.line, line.function) in known]
    return min(slow or holding, key=lambda line: (line.thread_seconds, -line.own_share))


def _cores(begins: int, ends: int, machine: Machine, host: Host | None) -> tuple[float, float]:
    """(cores the program keeps busy, those plus idle cores); (1, all cores) if not measured."""
    risen = None if host is None else host.rise("cpu_ns_total", begins, ends)
    idle = None if host is None else host.mean("idle_cores", begins, ends)
    busy = 1.0 if risen is None else risen / max(ends - begins, 1)
    return busy, machine.cores if idle is None else min(machine.cores, busy + idle)
