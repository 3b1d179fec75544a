"""report.html: one self-contained file; everything that came from the run is escaped by the template engine."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..diagnosis import Bar, Diagnosis, Series
from . import units
from .words import gain_text

_WIDTH = 1000.0
_TRACK_HEIGHT = 22
_CHART_HEIGHT = 90.0
#: One colour a phase, readable on light and dark; anything else is grey.
COLOURS = {
    "data_wait": "#d9534f",
    "loader_start": "#e08e79",
    "forward": "#3b82c4",
    "backward": "#2a5d9f",
    "optimizer": "#6f58b8",
    "eval": "#2f9e8f",
    "checkpoint": "#c9862b",
    "etl.read": "#b8487e",
    "etl.transform": "#8d5aa5",
    "etl.write": "#a5735a",
    "serve.handler": "#3b82c4",
    "serve.idle": "#9aa5b1",
    "import": "#8a94a0",
    "setup": "#a3abb5",
    "startup": "#b3bac2",
    "shutdown": "#b3bac2",
    "warm-up": "#7d8a97",
    "batch": "#5a9e52",
    "python": "#c2a12d",
}
_GREY = "#9aa1a9"


@dataclass(frozen=True)
class Box:
    """A drawn bar in SVG units."""

    x: float
    width: float
    colour: str
    label: str


@dataclass(frozen=True)
class Track:
    """One row of the timeline."""

    name: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Chart:
    """A curve as an SVG path with its greatest value as text."""

    name: str
    path: str
    greatest: str


def render(diagnosis: Diagnosis) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=units.seconds, share=units.share, path=units.path, gain=gain_text, colour=colour, size=units.size
    )
    environment.globals["quantity"] = units.quantity
    template = environment.get_template("report.html")
    return template.render(
        d=diagnosis,
        tracks=tracks(diagnosis),
        charts=[chart(series, diagnosis.run.wall_seconds) for series in diagnosis.view.series if len(series.x) > 1],
        legend=sorted({bar.phase for bar in diagnosis.view.bars}),
        width=_WIDTH,
        track_height=_TRACK_HEIGHT,
        chart_height=_CHART_HEIGHT,
    )


def colour(phase: str) -> str:
    """The colour of a phase; ``python:function`` and ``setup:function`` take their prefix's."""
    return COLOURS.get(phase) or COLOURS.get(phase.partition(":")[0], _GREY)


def tracks(diagnosis: Diagnosis) -> list[Track]:
    """The bars by track, scaled to the run."""
    wall = max(diagnosis.run.wall_seconds, 1e-9)
    rows: dict[str, list[Box]] = {}
    for bar in diagnosis.view.bars:
        rows.setdefault(bar.track, []).append(_box(bar, wall))
    return [Track(name, tuple(boxes)) for name, boxes in sorted(rows.items())]


def _box(bar: Bar, wall: float) -> Box:
    x = max(0.0, min(1.0, bar.start / wall)) * _WIDTH
    width = max(0.3, min(_WIDTH - x, bar.seconds / wall * _WIDTH))
    return Box(round(x, 2), round(width, 2), colour(bar.phase), f"{bar.phase}: {units.seconds(bar.seconds)}")


def chart(series: Series, wall: float) -> Chart:
    """A curve from zero to its greatest value."""
    greatest = max((y for y in series.y if y == y), default=0.0)
    points = [
        f"{x / max(wall, 1e-9) * _WIDTH:.1f},{_CHART_HEIGHT - y / max(greatest, 1e-9) * (_CHART_HEIGHT - 4):.1f}"
        for x, y in zip(series.x, series.y, strict=True)
        if y == y
    ]
    return Chart(series.name, "M" + " L".join(points) if points else "", units.quantity(greatest, series.unit))
