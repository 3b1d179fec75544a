"""What a comparison says; the only input of its reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..diagnosis.findings import Location
from .statistics import Interval

SCHEMA = "bottleneck.comparison/1"
Answer = Literal["slower", "faster", "same", "cannot tell"]


@dataclass(frozen=True)
class Row:
    """One figure of both sides, each the mean over its runs. ``unit``: as in Evidence.

    ``change``: relative, with its 95 % interval; None unless both sides have several runs. ``within_old``,
    ``within_new``: how well the run's steps tell its own mean, if the side is one run.
    """

    key: str
    label: str
    unit: str
    old: float
    new: float
    change: Interval | None = None
    within_old: Interval | None = None
    within_new: Interval | None = None

    @property
    def relative(self) -> float | None:
        """The change as a share of ``old``; None if ``old`` is 0."""
        return (self.new - self.old) / self.old if self.old else None


@dataclass(frozen=True)
class PhaseChange:
    """Seconds of a phase, per step or per run as the comparison's ``per`` says."""

    phase: str
    old: float
    new: float

    @property
    def seconds(self) -> float:
        return self.new - self.old


@dataclass(frozen=True)
class LineChange:
    """Seconds, per step or run, in a user function and in what it calls of libraries; ``location``: its line with most
    time, in the slower version."""

    location: Location
    old: float
    new: float

    @property
    def seconds(self) -> float:
        return self.new - self.old


@dataclass(frozen=True)
class FactChange:
    """Something about the run, not a result of it, that differs: a version, an argument, the size of the data."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class FindingChange:
    """A finding by its detector and place. ``old``, ``new``: the predicted share that its fix saves; None where the
    finding is absent."""

    detector: str
    title: str
    location: Location | None
    old: float | None
    new: float | None


@dataclass(frozen=True)
class Comparison:
    """``per``: "step", "sample", "request" or "run": what ``phases`` and ``lines`` are seconds of, except that those of
    requests are of a run. ``notes``: what limits the comparison, in whole sentences."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    answer: Answer
    sentence: str
    per: str
    primary: Row
    rows: tuple[Row, ...]
    phases: tuple[PhaseChange, ...]
    lines: tuple[LineChange, ...]
    facts: tuple[FactChange, ...]
    findings: tuple[FindingChange, ...]
    notes: tuple[str, ...]
