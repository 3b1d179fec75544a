"""Geometry of the page: timeline, curves, and the visible part of the call tree. In units of ``WIDTH``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ...diagnosis.findings import Location
from ...diagnosis.model import Bar, Diagnosis, Series, StackNode
from ...diagnosis.phases import phase_words
from . import units

WIDTH = 1000.0
LANE_HEIGHT = 20
CHART_HEIGHT = 100.0
_LANE_GAP = 3
_MAX_LANES = 4
_MIN_BAR_WIDTH = 0.4  # a narrower bar would be invisible
_MAX_CALLS = 500
_MAX_DEPTH = 100  # of a sampled stack
_MAX_POINTS = 400
_MAX_CURVES = 12

#: The colour class of a phase; ``python:function`` and the like take their prefix's, anything else is grey.
COLOUR_CLASSES = {
    "data_wait": "wait",
    "loader_start": "start",
    "forward": "forward",
    "loss": "forward",
    "backward": "backward",
    "optimizer": "optimizer",
    "eval": "eval",
    "checkpoint": "checkpoint",
    "h2d": "copy",
    "sync": "copy",
    "batch": "batch",
    "etl.read": "read",
    "etl.transform": "transform",
    "etl.write": "write",
    "serve.handler": "forward",
    "serve.idle": "idle",
    "serve.blocked": "wait",
    "python": "python",
    "import": "import",
    "warm-up": "import",
    "device window": "setup",
    "setup": "setup",
    "startup": "setup",
    "shutdown": "setup",
    "stage": "forward",
    "spark.startup": "setup",
    "spark.driver": "python",
    "spark.waiting": "wait",
    "spark.open": "forward",
}


def colour(phase: str) -> str:
    """The CSS class for the colour of ``phase``."""
    return "c-" + (COLOUR_CLASSES.get(phase) or COLOUR_CLASSES.get(phase.partition(":")[0], "other"))


@dataclass(frozen=True)
class Shape:
    """All bars of one phase in a track, as one SVG path."""

    colour: str
    path: str


@dataclass(frozen=True)
class Track:
    """One row of the timeline. Bars in one of the ``lanes`` do not overlap; enclosing bars come first."""

    name: str
    height: int
    shapes: tuple[Shape, ...]
    lanes: tuple[tuple[Bar, ...], ...]


def tracks(diagnosis: Diagnosis) -> list[Track]:
    """The bars grouped by track, in order of first appearance, workers by number."""
    wall = diagnosis.run.wall_seconds
    if not wall > 0:
        return []
    rows: dict[str, list[Bar]] = {}
    for bar in diagnosis.view.bars:
        if math.isfinite(bar.start) and math.isfinite(bar.seconds) and bar.start <= wall:
            rows.setdefault(bar.track, []).append(bar)
    names = list(rows)
    return [_track(name, rows[name], wall) for name in sorted(names, key=lambda name: _order(name, names.index(name)))]


def _order(name: str, seen: int) -> tuple[int, str, int, int]:
    number = re.fullmatch(r"(.*?)(\d+)", name)
    if number is None or len(number[2]) > 9:
        return (0, "", 0, seen)
    return (1, number[1], int(number[2]), seen)


def _track(name: str, bars: list[Bar], wall: float) -> Track:
    lanes: list[list[Bar]] = []
    ends: list[float] = []
    for bar in sorted(bars, key=lambda bar: (bar.start, -bar.seconds)):
        free = (index for index, end in enumerate(ends) if bar.start >= end - 1e-6)
        lane = min(next(free, len(lanes)), _MAX_LANES - 1)
        if lane == len(lanes):
            lanes.append([])
            ends.append(0.0)
        lanes[lane].append(bar)
        ends[lane] = max(ends[lane], bar.start + bar.seconds)
    paths: dict[str, list[str]] = {}
    for index, row in enumerate(lanes):
        for bar in row:
            paths.setdefault(colour(bar.phase), []).append(_rectangle(bar, wall, index))
    shapes = tuple(Shape(name, "".join(parts)) for name, parts in paths.items())
    return Track(name, len(lanes) * (LANE_HEIGHT + _LANE_GAP) - _LANE_GAP, shapes, tuple(map(tuple, lanes)))


def _rectangle(bar: Bar, wall: float, lane: int) -> str:
    x = max(0.0, bar.start / wall) * WIDTH
    width = max(_MIN_BAR_WIDTH, min(WIDTH - x, bar.seconds / wall * WIDTH))
    return f"M{x:.2f} {lane * (LANE_HEIGHT + _LANE_GAP)}h{width:.2f}v{LANE_HEIGHT}h-{width:.2f}z"


def plain_data(drawn: list[Track], wall: float) -> dict[str, object]:
    """Data for the page's script to label the bar under the pointer: [phase, start, seconds] by track and lane."""
    phases: dict[str, int] = {}
    rows = [
        [
            [[phases.setdefault(b.phase, len(phases)), round(b.start, 4), round(b.seconds, 5)] for b in lane]
            for lane in track.lanes
        ]
        for track in drawn
    ]
    return {"wall": wall, "phases": list(map(phase_words, phases)), "tracks": rows, "lane": LANE_HEIGHT + _LANE_GAP}


def ticks(wall: float, count: int = 6) -> list[tuple[float, str]]:
    """(share of the width, label) for round times from 0 to ``wall``."""
    if not (math.isfinite(wall) and wall > 0):
        return []
    rough = wall / count
    power = 10.0 ** math.floor(math.log10(rough))
    steps = (1, 2, 5, 10) if rough < 10 else (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    step = next((s for s in (s * (power if rough < 10 else 1) for s in steps) if s >= rough), rough)
    marks = [i * step for i in range(int(wall / step) + 1)]
    return [(mark / wall, "0" if not mark else _tick(mark)) for mark in marks if mark <= wall * 0.95]


def _tick(mark: float) -> str:
    if mark < 1:
        return units.seconds(mark)
    if mark < 60 or mark % 60:
        return f"{mark:g} s"
    if mark < 7200:
        return f"{mark / 60:g} min"
    return f"{mark / 3600:g} h"


@dataclass(frozen=True)
class Chart:
    """A curve: the line, the area below it, and its maximum as text."""

    name: str
    line: str
    area: str
    greatest: str


def charts(diagnosis: Diagnosis) -> list[Chart]:
    """The curves that have any data to show."""
    found = [_chart(series, diagnosis.run.wall_seconds) for series in diagnosis.view.series[:_MAX_CURVES]]
    return [chart for chart in found if chart is not None]


def _chart(series: Series, wall: float) -> Chart | None:
    """Scale a curve from zero to its maximum. Gaps stay gaps: missing data is not zero."""
    known = [y for y in series.y if math.isfinite(y)]
    if len(known) < 2 or not wall > 0:
        return None
    top = max(max(known), 1e-12)
    step = max(1, -(-len(series.x) // _MAX_POINTS))
    stretches: list[list[str]] = [[]]
    for x, y in list(zip(series.x, series.y, strict=False))[::step]:
        if math.isfinite(x) and math.isfinite(y):
            across = max(0.0, min(1.0, x / wall)) * WIDTH
            stretches[-1].append(f"{across:.1f} {CHART_HEIGHT - max(0.0, y) / top * (CHART_HEIGHT - 4):.1f}")
        elif stretches[-1]:
            stretches.append([])
    drawn = [points for points in stretches if points]
    line = "".join("M" + "L".join(points) for points in drawn)
    area = "".join(_surface(points) for points in drawn)
    return Chart(series.name, line, area, units.quantity(max(known), series.unit))


def _surface(points: list[str]) -> str:
    first, last = points[0].split()[0], points[-1].split()[0]
    return f"M{first} {CHART_HEIGHT:g}L" + "L".join(points) + f"L{last} {CHART_HEIGHT:g}z"


@dataclass(frozen=True)
class Call:
    """One row of the call tree. ``share``: of the sampled time. ``own``: the file is the user's.

    ``blocked_share``: share of its time that the thread was waiting.
    """

    function: str
    place: str
    own: bool
    seconds: float
    share: float
    children: tuple[Call, ...]
    skipped: int
    blocked_share: float


def calls(roots: tuple[StackNode, ...], most: int = _MAX_CALLS) -> tuple[Call, ...]:
    """The call tree without its smallest branches, at most ``most`` rows."""
    total = sum(node.seconds for node in roots if math.isfinite(node.seconds))
    if total <= 0:
        return ()
    sizes = sorted(_sizes(roots, 0), reverse=True)
    least = sizes[most] if len(sizes) > most else 0.0
    return tuple(_call(node, least, total, 0) for node in roots if node.seconds > least)


def _sizes(nodes: tuple[StackNode, ...], depth: int) -> Iterable[float]:
    for node in nodes:
        if math.isfinite(node.seconds):
            yield node.seconds
        if depth < _MAX_DEPTH:
            yield from _sizes(node.children, depth + 1)


def _call(node: StackNode, least: float, total: float, depth: int) -> Call:
    below = node.children if depth < _MAX_DEPTH else ()
    place = units.library_path(node.file)
    own = place == units.path(node.file) and not place.startswith("<")
    return Call(
        node.function,
        str(Location(place[:300], node.line)),
        own,
        node.seconds,
        node.seconds / total,
        tuple(_call(child, least, total, depth + 1) for child in below if child.seconds > least),
        node.skipped,
        node.blocked_seconds / node.seconds if node.seconds > 0 else 0.0,
    )
