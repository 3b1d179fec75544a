"""What is known of a program's runs over time; the only input of the reports."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ..comparison.model import Comparison

SCHEMA = "bottleneck.history/1"


@dataclass(frozen=True)
class Point:
    """One run. ``started``: ISO 8601 with zone; ``value``: of the figure of its series."""

    name: str
    started: str
    value: float


@dataclass(frozen=True)
class Change:
    """From point ``at`` on, the level is another one; ``comparison``: of the runs back to the last change with those up
    to the next."""

    at: int
    comparison: Comparison


@dataclass(frozen=True)
class Series:
    """The runs of one program on one kind of machine, oldest first.

    ``key``, ``label``, ``unit``: the figure, as in ``comparison/figures.py``. ``notes``: whole sentences.
    """

    program: str
    machine: dict[str, str]
    key: str
    label: str
    unit: str
    points: tuple[Point, ...]
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    def levels(self) -> Iterator[tuple[int, int, float]]:
        """(first point, the point behind the last, mean) of each stretch between changes."""
        edges = [0, *(change.at for change in self.changes), len(self.points)]
        for begin, end in pairwise(edges):
            yield begin, end, statistics.fmean(point.value for point in self.points[begin:end])


@dataclass(frozen=True)
class History:
    """``series``: the program with the latest run first. ``problems``: runs that could not be read, a line each."""

    series: tuple[Series, ...]
    problems: tuple[str, ...] = ()
