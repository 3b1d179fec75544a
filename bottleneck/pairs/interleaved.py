"""The order of the runs: pairs of both versions, each pair in random order, the first pair dropped.

A machine gets warmer, busier or quieter while it measures. Runs that lie side by side share that, and their ratio does
not contain it. The first pair fills the page cache and compiles Python's files; it counts for nothing.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class ArmError(Exception):
    """A version that cannot be run or recorded; the message is one line."""


class OutOfTime(Exception):
    """The time that was given is over; the run that was going on has been ended."""


@dataclass(frozen=True)
class Arm:
    """One of the two versions.

    ``record(folder, until)`` makes one recorded run in ``folder``, which does not exist yet. It raises ArmError, or
    OutOfTime when the clock reaches ``until`` (infinite: never).
    """

    name: str
    record: Callable[[Path, float], None]


@dataclass(frozen=True)
class Pair:
    """Two run folders that were made one right after the other. ``number``: from 1; 0 is the pair that is dropped."""

    number: int
    old: Path
    new: Path

    @property
    def counts(self) -> bool:
        return self.number > 0


def interleaved(
    old: Arm,
    new: Arm,
    folder: Path,
    most: int,
    seconds: float = math.inf,
    seed: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Pair]:
    """Record pairs into ``folder``: at most ``most`` that count, and none that is not expected to be done in time.

    The caller stops when it knows enough. Raises ArmError.
    """
    orders = ((new, old) if new_first else (old, new) for new_first in _orders(seed))
    for number, places in enumerate(_rounds(orders, folder, "pair", most, seconds, clock)):
        yield Pair(number, places[old.name], places[new.name])


def repeated(
    arm: Arm, folder: Path, most: int, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic
) -> Iterator[Path]:
    """Record runs of one version, as ``interleaved`` records pairs; the first folder is of the run that is dropped."""
    for places in _rounds(itertools.repeat((arm,)), folder, "run", most, seconds, clock):
        yield places[arm.name]


def _rounds(
    orders: Iterable[Sequence[Arm]], folder: Path, word: str, most: int, seconds: float, clock: Callable[[], float]
) -> Iterator[dict[str, Path]]:
    until = clock() + seconds
    longest = 0.0
    for number, order in zip(range(most + 1), orders, strict=False):
        began = clock()
        if began + longest > until:
            return
        places = {arm.name: folder / f"{word}-{number:02}-{arm.name}" for arm in order}
        try:
            for arm in order:
                arm.record(places[arm.name], until)
        except OutOfTime:
            return
        longest = max(longest, clock() - began)
        yield places


def _orders(seed: int | None) -> Iterator[bool]:
    """Whether the new version runs first: at random, but once in every two pairs, so that being first cancels out."""
    chance = random.Random(seed)
    while True:
        first = chance.random() < 0.5
        yield first
        yield not first
