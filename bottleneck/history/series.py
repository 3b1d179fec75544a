"""Puts runs in order, by program and machine, and finds where they begin to take longer or shorter. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ..comparison.compare import SAME_WITHIN, compare
from ..comparison.figures import FIGURES, RunFigures
from .change_points import change_points
from .model import Change, Point, Series

_UNITS = ("step", "request", "run")  # what a series may be of, the most telling first
_MOST = 0.5  # of the runs must have it; a few may be too short for a mean step


@dataclass(frozen=True)
class Past:
    """One run. ``started``: ISO 8601 with zone."""

    figures: RunFigures
    started: str

    @property
    def failed(self) -> bool:
        return not self.figures.finished or self.figures.facts.get("exit code", "0") != "0"


def series_of(runs: Sequence[Past], within: float = SAME_WITHIN) -> tuple[Series, ...]:
    """One series for each program and machine, the one with the latest run first.

    ``within``: the smallest relative change that counts as slower or faster.
    """
    groups: dict[tuple[str, ...], list[Past]] = {}
    for run in sorted(runs, key=lambda run: datetime.fromisoformat(run.started)):
        key = run.figures.command, *(f"{name}: {value}" for name, value in run.figures.machine.items())
        groups.setdefault(key, []).append(run)
    latest = sorted(groups.values(), key=lambda group: datetime.fromisoformat(group[-1].started), reverse=True)
    return tuple(_series(group, within) for group in latest)


def _series(runs: Sequence[Past], within: float) -> Series:
    key = next(unit for unit in _UNITS if sum(unit in run.figures.figures for run in runs) > _MOST * len(runs))
    kept = [run for run in runs if key in run.figures.figures]
    notes = _left_out(len(runs) - len(kept), f"gave no {FIGURES[key][0]} to judge")
    if key == "run":
        whole = [run for run in kept if not run.failed] or kept
        notes += _left_out(len(kept) - len(whole), "failed, or whose recording was cut off")
        kept = whole
    figures = [run.figures for run in kept]
    sizes = {run.facts.get("DataLoader(batch_size)") for run in figures}
    if key == "step" and len(sizes) > 1 and all("sample" in run.figures for run in figures):
        key = "sample"
    values = np.array([run.figures[key] for run in figures])
    found = change_points(np.log(values)) if values.min() > 0 else []
    edges = [0, *found, len(figures)]
    label, unit = FIGURES[key]
    return Series(
        program=figures[0].command,
        machine=figures[0].machine,
        key=key,
        label=label,
        unit=unit,
        points=tuple(Point(run.figures.name, run.started, run.figures.figures[key]) for run in kept),
        changes=tuple(
            Change(at, compare(figures[before:at], figures[at:after], within, per=key))
            for before, at, after in zip(edges, edges[1:], edges[2:], strict=False)
        ),
        notes=tuple(notes),
    )


def _left_out(count: int, why: str) -> list[str]:
    return [f"Left out: {count} {'run that' if count == 1 else 'runs that'} {why}."] if count else []
