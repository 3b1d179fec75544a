"""The words and numbers of a comparison, for the terminal and the page."""

from __future__ import annotations

from ..exporters.support import units
from ..exporters.support import words as report_words
from .model import Comparison, FindingChange, LineChange, PhaseChange, Row
from .statistics import Interval

MAX_PHASES = 6
MAX_FACTS = 12
PER = {"step": "per step", "sample": "per sample", "request": "of the run", "run": "of the run"}


def sides(comparison: Comparison) -> str:
    return " → ".join(_names(side) for side in (comparison.old, comparison.new))


def _names(side: tuple[str, ...]) -> str:
    first = report_words.visible(side[0])
    return first if len(side) == 1 else f"{first} and {len(side) - 1} more"


def cells(row: Row) -> tuple[str, str, str, str]:
    """Label, old, new and change of a figure."""
    return row.label, _value(row.old, row), _value(row.new, row), change(row)


def _value(value: float, row: Row) -> str:
    return units.quantity(value, row.unit)


def change(row: Row) -> str:
    """``+12 % (+8 to +16 %)``; without the interval where there is none."""
    if row.change is not None:
        return f"{signed(row.change.value)} ({span(row.change)})"
    return units.NOTHING if row.relative is None else signed(row.relative)


def span(interval: Interval) -> str:
    return f"{signed(interval.low)} to {signed(interval.high)}"


def signed(share: float) -> str:
    """A change with its sign: +3.1 %, −40 %."""
    if not units.share(share).strip("0. %"):
        return "0 %"
    return ("+" if share > 0 else "−") + units.share(abs(share))


def seconds_changed(row: PhaseChange | LineChange) -> str:
    """``8.1 ms → 1.2 ms``"""
    return f"{units.seconds(row.old)} → {units.seconds(row.new)}"


def finding(change: FindingChange) -> str:
    """``new: 12 %``, ``gone: 31 %`` or ``31 % → 12 %``: what its fix would save."""
    old, new = (
        "" if share is None else units.share(share) if share else "no time" for share in (change.old, change.new)
    )
    if not old:
        return f"new, costs {new}"
    return f"gone, cost {old}" if not new else f"cost {old}, now {new}"
