"""A check in the terminal."""

from __future__ import annotations

from rich.console import Console

from ..comparison import terminal as compared
from ..exporters.support.screen import Screen
from ..exporters.support.words import visible
from .model import Report

_MARKS = {
    "pass": ("✓ ", "bold green"),
    "fail": ("! ", "bold red"),
    "cannot tell": ("? ", "bold yellow"),
    "not comparable": ("? ", "bold yellow"),
}


def render(report: Report, console: Console) -> None:
    """Print the conditions, the worst first, and the comparison behind them."""
    screen = Screen(console)
    screen.gap()
    screen.print(("bottleneck check  ", "bold"), (visible(report.versions), "dim"))
    for condition in report.worst_first:
        screen.print(_MARKS[condition.outcome], visible(condition.sentence), indent=2)
    notes = report.notes if report.comparison is None else (*report.notes, *report.comparison.notes)
    for note in notes:
        screen.print((visible(note), "yellow"))
    screen.gap()
    if report.comparison is not None:
        compared.details(screen, report.comparison)
