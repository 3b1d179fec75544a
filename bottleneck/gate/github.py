"""A check in GitHub Actions: annotations at the lines, and the summary of the step.

GitHub shows ten errors and ten warnings of a step and drops the others silently, so the worst come first. It drops a
summary above 1 MiB as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..comparison import words
from ..comparison.model import Comparison
from ..diagnosis.findings import Location
from ..exporters.support.words import phase, visible
from .model import Report
from .places import is_new, place_of

MOST = 10  # annotations of each level
_MOST_ROWS = 50  # of a table in the summary
_MARKS = {"pass": "✅", "fail": "❌", "cannot tell": "❔", "not comparable": "⚠️"}


def commands(report: Report) -> list[str]:
    """Annotations, one a line: what failed as errors; what cannot be told, and new findings, as warnings."""
    found = list(_annotations(report))
    return [line for level in ("error", "warning") for line in [text for kind, text in found if kind == level][:MOST]]


def _annotations(report: Report) -> Iterator[tuple[str, str]]:
    for condition in report.worst_first:
        if condition.outcome != "pass":
            level = "error" if condition.outcome == "fail" else "warning"
            yield level, _line(report, level, condition.name, condition.sentence, condition.location)
    for row in report.findings:  # best fix first
        finding = row.finding
        if is_new(report, finding.detector, finding.location):
            text = f"{finding.title}. {finding.fix.summary}."
            yield "warning", _line(report, "warning", f"new: {finding.detector}", text, finding.location)


def _line(report: Report, level: str, title: str, text: str, location: Location | None) -> str:
    place = place_of(report, location)
    at = [] if place is None else [("file", place[0]), ("line", str(place[1]))]
    properties = ",".join(f"{key}={_property(value)}" for key, value in [*at, ("title", title)])
    return f"::{level} {properties}::{_data(visible(text))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def append_summary(file: Path, report: Report) -> None:
    """Add the summary to what earlier commands of the step have written. Raises OSError."""
    with open(file, "a", encoding="utf-8") as end:
        end.write(summary(report))


def summary(report: Report) -> str:
    """Markdown: the conditions, the figures, where the time changed, and new findings."""
    lines = [f"## bottleneck check: {_text(report.program)}", "", _text(report.versions), ""]
    lines += [f"- {_MARKS[each.outcome]} {_text(each.sentence)}" for each in report.worst_first[:_MOST_ROWS]]
    lines += [f"- ⚠️ {_text(note)}" for note in report.notes]
    if report.comparison is not None:
        lines += ["", *_figures(report.comparison), *_changes(report, report.comparison)]
    new = [row.finding for row in report.findings if is_new(report, row.finding.detector, row.finding.location)]
    if new:
        lines += ["", "**New findings**", ""]
        lines += [f"- {_text(each.title)}{_at(report, each.location)}" for each in new[:_MOST_ROWS]]
    return "\n".join([*lines, "", ""])


def _figures(comparison: Comparison) -> Iterator[str]:
    yield from ("|  | old | new | change |", "| --- | ---: | ---: | ---: |")
    for row in comparison.rows:
        cells = [_text(cell) for cell in words.cells(row)]
        if row.key == comparison.primary.key:
            cells = [f"**{cell}**" for cell in cells]
        yield f"| {' | '.join(cells)} |"


def _changes(report: Report, comparison: Comparison) -> Iterator[str]:
    if not comparison.phases and not comparison.facts:
        return
    yield from ("", f"**Where the time changed, {words.PER[comparison.per]}**", "")
    for row in comparison.phases[: words.MAX_PHASES]:
        yield f"- {_text(phase(row.phase))}: {words.seconds_changed(row)}"
    for line in comparison.lines:
        yield f"- {_text(line.location.function)}{_at(report, line.location)}: {words.seconds_changed(line)}"
    for fact in comparison.facts[: words.MAX_FACTS]:
        yield f"- {_text(fact.label)}: {_text(fact.old)} → {_text(fact.new)}"


def _at(report: Report, location: Location | None) -> str:
    place = place_of(report, location)
    return "" if place is None else f" at {_text(f'{place[0]}:{place[1]}')}"


def _text(text: str) -> str:
    """Text that a program chose, without meaning for Markdown and HTML."""
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{sign}" if sign in "\\`*_[]|#~@!" else sign for sign in text)
