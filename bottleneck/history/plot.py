"""Geometry of the plot of a series: a dot for each run, a line for each level, a mark for each change."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..exporters.support import units
from . import words
from .model import Series

WIDTH, HEIGHT = 960.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 74.0, 12.0, 16.0, 26.0
_LEAST_RANGE = 0.2  # of the highest value: noise is drawn small
_DATES = 6  # below the plot, at most
COLOURS = {"slower": "critical", "faster": "fine", "same": "info", "cannot tell": "warning"}


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    title: str
    colour: str


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    label: str = ""


@dataclass(frozen=True)
class Plot:
    """In the units of ``WIDTH`` and ``HEIGHT``; colours are classes of the page's style."""

    dots: tuple[Dot, ...]
    levels: tuple[Line, ...]
    changes: tuple[Line, ...]
    grid: tuple[Line, ...]
    dates: tuple[tuple[float, str], ...]


def plot(series: Series) -> Plot:
    """Runs side by side at equal distances, the oldest on the left."""
    points = series.points
    values = [point.value for point in points]
    low, high = min(values), max(values)
    spare = max(0.05 * (high - low), (_LEAST_RANGE * abs(high) - (high - low)) / 2)
    low, high = low - spare, (high + spare) or 1.0

    def across(at: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (at + 0.5) / len(points)

    def up(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    colours = ["info"] * len(points)
    for change in series.changes:
        colours[change.at :] = [COLOURS[change.comparison.answer]] * (len(points) - change.at)
    step = max(1, -(-len(points) // _DATES))
    days = [words.date(point.started) for point in points]
    part = slice(11, None) if days[0][:10] == days[-1][:10] else slice(10)  # the time of day, or the date
    return Plot(
        dots=tuple(
            Dot(
                across(at),
                up(point.value),
                f"{point.name}, {words.date(point.started)}: {units.quantity(point.value, series.unit)}",
                colours[at],
            )
            for at, point in enumerate(points)
        ),
        levels=tuple(
            Line(across(begin - 0.3), up(mean), across(end - 0.7), up(mean), colours[begin])
            for begin, end, mean in series.levels()
        ),
        changes=tuple(
            Line(across(each.at - 0.5), _TOP, across(each.at - 0.5), HEIGHT - _BOTTOM, colours[each.at], str(number))
            for number, each in enumerate(series.changes, 1)
        ),
        grid=tuple(
            Line(_LEFT, up(value), WIDTH - _RIGHT, up(value), "", units.quantity(value, series.unit))
            for value in _round_values(low, high)
        ),
        dates=tuple((across(at), days[at][part]) for at in range(0, len(points), step)),
    )


def _round_values(low: float, high: float, count: int = 4) -> list[float]:
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough * 0.999)
    first = math.ceil(max(low, 0.0) / step)
    return [at * step for at in range(first, math.floor(high / step) + 1)]
