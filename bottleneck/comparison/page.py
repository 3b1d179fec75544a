"""A comparison as one self-contained HTML file, with the timelines of both sides on one scale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from ..diagnosis.model import Diagnosis
from ..exporters.html import source, templates
from ..exporters.support import drawing
from ..exporters.support import words as report_words
from ..files import write_text
from . import words
from .model import Comparison


def write(file: Path, comparison: Comparison, old: Diagnosis, new: Diagnosis) -> None:
    """Write the page. ``old``, ``new``: the run of each side whose timeline it shows. Raises OSError."""
    write_text(file, render(comparison, old, new))


def render(comparison: Comparison, old: Diagnosis, new: Diagnosis) -> str:
    """The page. It has no script and makes no network requests."""
    environment = templates()
    longest = max(old.run.wall_seconds, new.run.wall_seconds)
    drawn = [
        (name, drawing.tracks(replace(side, run=replace(side.run, wall_seconds=longest))))
        for name, side in ((comparison.old[-1], old), (comparison.new[-1], new))
    ]
    bars = [bar.phase for _, tracks in drawn for track in tracks for lane in track.lanes for bar in lane]
    return environment.get_template("compare.html").render(
        c=comparison,
        sides=drawn,
        ticks=drawing.ticks(longest),
        legend=list(dict.fromkeys(bars))[:24],
        style=Markup(source(environment, "report.css")),
        width=drawing.WIDTH,
        compare=words,
        words=report_words,
    )
