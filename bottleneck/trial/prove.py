"""Runs the pairs of a trial until the planned looks are satisfied."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..comparison.statistics import mean_of_steps
from ..pairs.interleaved import Arm, ArmError, interleaved
from .arm import Asked, Seen
from .looks import LOOKS, Obtained, look
from .measure import Measure, value_of
from .rooms import Room, Runner
from .subject import Subject

_START_SECONDS = 1.0  # of our own, for each run
_MOST_TIMES = 4  # as many steps as the recorded run had until the one at which it may end


@dataclass(frozen=True)
class Plan:
    """``runs``, ``seconds``: to the first look, the dropped pair included; ``most_*``: to the last one."""

    runs: int
    seconds: float
    most_runs: int
    most_seconds: float


def plan_of(measure: Measure) -> Plan:
    """How long a trial takes, by the speed of the recorded run; with a good fix it takes less."""
    runs, most = (2 * (pairs + 1) for pairs in (LOOKS[0], LOOKS[-1]))
    each = measure.seconds + _START_SECONDS
    return Plan(runs, runs * each, most, most * each)


@dataclass
class Tried:
    """``old``, ``new``: seconds on the measure's basis, one a counted run. ``minutes_over``: the time was up."""

    old: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)
    losses: tuple[list[list[float]], list[list[float]]] = field(default_factory=lambda: ([], []))
    errors: list[tuple[float, float]] = field(default_factory=list)
    obtained: Obtained | None = None
    minutes_over: bool = False


def prove(
    subject: Subject, room: Room, seconds: float, seed: int | None = None, seen: Callable[[Tried], None] | None = None
) -> Tried:
    """Run pairs for at most so many ``seconds``; ``seen`` is called after each one that counts. Raises ArmError."""
    runs = _Runs(subject, room)
    tried = Tried()
    for pair in interleaved(runs.arm("as-it-is"), runs.arm("with-the-fix"), Path(), LOOKS[-1], seconds, seed):
        if not pair.counts:
            continue
        for side, losses, place in zip((tried.old, tried.new), tried.losses, (pair.old, pair.new), strict=True):
            side.append(runs.value(place))
            losses.append(runs.seen[place].losses)
        tried.errors.append((runs.error(pair.old), runs.error(pair.new)))
        within = [statistics.fmean(each) for each in zip(*tried.errors, strict=True)]
        tried.obtained = look(tried.old, tried.new, within)
        if seen is not None:
            seen(tried)
        if len(tried.old) in LOOKS and tried.obtained.settled:
            return tried
    tried.minutes_over = len(tried.old) < LOOKS[-1]
    return tried


@dataclass
class _Runs:
    subject: Subject
    room: Room
    seen: dict[Path, Seen] = field(default_factory=dict)

    def arm(self, name: str) -> Arm:
        subject, change = self.subject, self.subject.change
        fixed = name != "as-it-is"
        override = change.override
        if override is not None and not fixed:
            override = {**override, "values": {}}
        asked = Asked(list(subject.words), str(subject.folder), subject.measure.signals, subject.measure.kind, override)
        words = "the program with the fix" if fixed else "the program as it is"
        runner = Runner(words, self.room, asked, change.after if fixed else change.before)

        def record(place: Path, until: float) -> None:
            found, times = runner.run(until), 1
            while found.code is None and len(found.starts) < subject.measure.steps and times < _MOST_TIMES:
                times *= 2  # ended too early: it counts steps differently from the run that was recorded
                longer = replace(runner, asked=replace(asked, signals=asked.signals * times))
                found = longer.run(until)
            if self.subject.measure.steps > len(found.starts):
                made = f"{len(found.starts)} steps after warm-up, and {self.subject.measure.steps} are needed"
                raise ArmError(f"{words} made only {made}")
            self.seen[place] = found

        return Arm(name, record)

    def value(self, place: Path) -> float:
        found = self.seen[place]
        return value_of(self.subject.measure, np.array(found.starts), np.array(found.ends), found.wall_seconds)

    def error(self, place: Path) -> float:
        """The relative standard error of the mean step, from the steps of one run; 0 where they do not tell it."""
        measure, found = self.subject.measure, self.seen[place]
        if measure.basis != "step" or measure.period > 1:
            return 0.0
        steps = (np.array(found.ends) - np.array(found.starts))[: measure.steps] / 1e9
        mean = mean_of_steps(steps)
        return 0.0 if mean is None else (mean.high - mean.low) / 2 / 1.96 / mean.value


def counted(tried: Tried) -> Iterator[float]:
    """The gain of each pair."""
    yield from (1.0 - new / old for old, new in zip(tried.old, tried.new, strict=True))
