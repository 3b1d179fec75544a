"""A history as one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from ..comparison import words as compare
from ..exporters.html import source, templates
from ..exporters.support import words as report_words
from ..files import write_text
from . import plot, words
from .model import History


def write(file: Path, history: History) -> None:
    """Write the page. Raises OSError."""
    write_text(file, render(history))


def render(history: History) -> str:
    """The page. It has no script and makes no network requests."""
    environment = templates()
    return environment.get_template("history.html").render(
        drawn=[(series, plot.plot(series)) for series in history.series],
        problems=history.problems,
        style=Markup(source(environment, "report.css")),
        geometry=plot,
        history=words,
        compare=compare,
        words=report_words,
    )
