"""A comparison in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ..exporters.support import words as report_words
from ..exporters.support.screen import Screen
from . import words
from .model import Comparison

_STYLE = {"slower": "bold red", "faster": "bold green", "same": "bold green", "cannot tell": "bold yellow"}


def render(comparison: Comparison, console: Console) -> None:
    """Print the comparison."""
    screen = Screen(console)
    screen.gap()
    screen.print(("bottleneck compare  ", "bold"), (words.sides(comparison), "dim"))
    screen.print((comparison.sentence, _STYLE[comparison.answer]))
    for note in comparison.notes:
        screen.print((report_words.visible(note), "yellow"))
    screen.gap()
    details(screen, comparison)


def details(screen: Screen, comparison: Comparison) -> None:
    """Print the figures, and where the change is."""
    _figures(screen, comparison)
    _places(screen, comparison)
    _facts(screen, comparison)
    _findings(screen, comparison)


def _figures(screen: Screen, comparison: Comparison) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow=screen.overflow)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True, overflow=screen.overflow)
    table.add_row(*(screen.text((head, "dim")) for head in ("", "old", "new", "change")))
    for row in comparison.rows:
        style = "bold" if row.key == comparison.primary.key else ""
        table.add_row(*(screen.text((cell, style)) for cell in words.cells(row)))
    screen.table(table)
    screen.gap()


def _places(screen: Screen, comparison: Comparison) -> None:
    if not comparison.phases:
        return
    screen.print((f"Where the time changed, {words.PER[comparison.per]}", "bold"))
    for phase in comparison.phases[: words.MAX_PHASES]:
        screen.print(f"  {report_words.phase(phase.phase)}: {words.seconds_changed(phase)}", indent=4)
    for line in comparison.lines:
        function = report_words.visible(line.location.function)
        screen.print("  ", screen.place(line.location), f" in {function}: {words.seconds_changed(line)}", indent=4)
    screen.gap()


def _facts(screen: Screen, comparison: Comparison) -> None:
    if not comparison.facts:
        return
    screen.print(("What else differs", "bold"))
    for fact in comparison.facts[: words.MAX_FACTS]:
        screen.print(report_words.visible(f"  {fact.label}: {fact.old} → {fact.new}"), indent=4)
    left = len(comparison.facts) - words.MAX_FACTS
    if left > 0:
        screen.print((f"  {left} more in the JSON (--json)", "dim"))
    screen.gap()


def _findings(screen: Screen, comparison: Comparison) -> None:
    if not comparison.findings:
        return
    screen.print(("Findings", "bold"))
    for change in comparison.findings:
        place = () if change.location is None else (" at ", screen.place(change.location))
        screen.print(f"  {change.title}", *place, f" ({words.finding(change)})", indent=4)
    screen.gap()
