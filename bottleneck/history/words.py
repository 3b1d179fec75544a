"""The words of a history, for the terminal and the page."""

from __future__ import annotations

from datetime import datetime

from ..comparison import words as compare
from ..exporters.support import units
from ..exporters.support import words as report_words
from .change_points import ENOUGH
from .model import Change, Series

MOST_FACTS = 4  # that differ, of each change


def title(series: Series) -> str:
    """The program, and how many runs of it."""
    count = len(series.points)
    return f"{report_words.visible(series.program)} · {count} run{'' if count == 1 else 's'} · {_period(series)}"


def machine(series: Series) -> str:
    """Processor, cores, memory, and accelerators if there are any."""
    given = series.machine
    parts = [given["processor"], f"{given['cores']} cores", given["memory"], given["accelerators"]]
    return report_words.visible(" · ".join(part for part in parts if part not in ("unknown", "none", "0 GiB")))


def _period(series: Series) -> str:
    first, last = (date(series.points[at].started)[:10] for at in (0, -1))
    return first if first == last else f"{first} to {last}"


def date(started: str) -> str:
    """``2026-12-01 09:30``, as the clock was where the run was recorded."""
    return datetime.fromisoformat(started).strftime("%Y-%m-%d %H:%M")


def verdict(series: Series) -> str:
    """One sentence: whether the runs changed."""
    *_, (_, _, latest) = series.levels()
    takes = f"takes {units.quantity(latest, series.unit)} on average"
    count = len(series.points)
    if not series.changes and count < ENOUGH:
        return f"Too few runs to find a change (it takes {ENOUGH}); a {series.key} {takes}."
    if not series.changes:
        return f"No change in {count} runs; a {series.key} {takes}."
    changes = "1 change" if len(series.changes) == 1 else f"{len(series.changes)} changes"
    return f"{changes} in {count} runs; a {series.key} now {takes}."


def since(series: Series, change: Change) -> str:
    """The first run of the new level, and when it was made."""
    point = series.points[change.at]
    return f"since {report_words.visible(point.name)} ({date(point.started)})"


def where(change: Change) -> list[str]:
    """What else the comparison says of a change: phases, and facts that differ."""
    comparison = change.comparison
    found = [
        f"{report_words.phase(phase.phase)} {compare.seconds_changed(phase)}"
        for phase in comparison.phases[: compare.MAX_PHASES // 2]
    ]
    return found + [
        report_words.visible(f"{fact.label}: {fact.old} → {fact.new}") for fact in comparison.facts[:MOST_FACTS]
    ]
