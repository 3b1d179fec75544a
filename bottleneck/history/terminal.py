"""A history in the terminal: a sparkline for each program, and its changes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ..exporters.support import words as report_words
from ..exporters.support.screen import SPARKS, Part, Screen
from . import words
from .model import History, Series

STYLES = {"slower": "bold red", "faster": "bold green", "same": "cyan", "cannot tell": "yellow"}
_LEAST_RANGE = 0.1  # of the lowest value: less is noise, and not to be drawn as mountains


def render(history: History, console: Console) -> None:
    """Print the history; what could not be read is not in it."""
    screen = Screen(console)
    for series in history.series:
        screen.gap()
        screen.print(("bottleneck history  ", "bold"), (words.title(series), "dim"))
        screen.print((words.verdict(series), "bold" if series.changes else ""))
        screen.print(*_sparkline(series, max(10, console.width - 2)))
        for change in series.changes:
            answer = change.comparison.answer
            screen.print(
                "  ", (words.since(series, change), STYLES[answer]), f": {change.comparison.sentence}", indent=4
            )
            for place in change.comparison.lines[:1]:
                function = report_words.visible(place.location.function)
                screen.print("    ", screen.place(place.location), f" in {function}", indent=6)
            screen.items(words.where(change), indent=6, head="    ")
        for note in series.notes:
            screen.print((note, "yellow"))
        screen.print((words.machine(series), "dim"))
    screen.gap()


def _sparkline(series: Series, cells: int) -> list[Part]:
    """One sign a run, the oldest first and only as many as fit, in the colour of the last change."""
    shown = range(max(0, len(series.points) - cells), len(series.points))
    signs = sparks([point.value for point in series.points])
    styles = {at: "" for at in shown}
    for change in series.changes:
        styles.update({at: STYLES[change.comparison.answer] for at in shown if at >= change.at})
    return ["  ", *((signs[at], styles[at]) for at in shown)]


def sparks(values: Sequence[float]) -> str:
    """One sign for each value, higher for a larger one."""
    low = min(values)
    high = max(*values, low * (1 + _LEAST_RANGE)) if low > 0 else max(values)
    span = (high - low) or 1.0
    return "".join(SPARKS[min(len(SPARKS) - 1, int((value - low) / span * len(SPARKS)))] for value in values)
