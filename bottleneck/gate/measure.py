"""Records the runs that a check needs, and stops as soon as they are enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..comparison.figures import RunFigures
from ..comparison.sides import Side, read
from ..pairs.interleaved import Arm, interleaved, repeated

Enough = Callable[["Runs"], bool]
Read = Callable[[Path], RunFigures]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Amount:
    """How many runs of each version: at least, at most, and the time for all of them."""

    least: int
    most: int
    seconds: float


@dataclass
class Runs:
    """What was recorded: ``old[i]`` and ``new[i]`` beside each other. ``last``: of the new version."""

    old: list[RunFigures] = field(default_factory=list)
    new: list[RunFigures] = field(default_factory=list)
    last: Side | None = None

    def add_new(self, folder: Path) -> None:
        self.last = read(str(folder))
        self.new.append(self.last.figures)


def in_pairs(old: Arm, new: Arm, folder: Path, amount: Amount, read_old: Read, enough: Enough, tell: Tell) -> Runs:
    """Pairs of runs of both versions. Raises ArmError, RunError."""
    runs = Runs()
    for pair in interleaved(old, new, folder, amount.most, amount.seconds):
        before = read_old(pair.old)
        if not pair.counts:
            tell(f"the first pair is done and does not count; at least {amount.least} follow, at most {amount.most}")
            continue
        runs.old.append(before)
        runs.add_new(pair.new)
        tell(f"pair {pair.number} of {amount.least} to {amount.most}")
        if pair.number >= amount.least and enough(runs):
            break
    return runs


def alone(new: Arm, folder: Path, amount: Amount, enough: Enough, tell: Tell) -> Runs:
    """Runs of one version. Raises ArmError, RunError."""
    runs = Runs()
    for number, place in enumerate(repeated(new, folder, amount.most, amount.seconds)):
        if not number:
            tell(f"the first run is done and does not count; at least {amount.least} follow, at most {amount.most}")
            continue
        runs.add_new(place)
        tell(f"run {number} of {amount.least} to {amount.most}")
        if number >= amount.least and enough(runs):
            break
    return runs
