"""Compares the runs of two sides. Pure.

The run is the unit: steps of one run share everything that differs between runs, so however many there are, they say
nothing about the next run. One run against one therefore shows differences and gives no verdict.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..diagnosis.findings import Location
from ..diagnosis.model import Ranked
from ..exporters.support import units
from .figures import FIGURES, RunFigures, program_of
from .model import Answer, Comparison, FactChange, FindingChange, LineChange, PhaseChange, Row
from .statistics import Interval, change_between
from .words import signed, span

SAME_WITHIN = 0.05  # the smallest change that a comparison answers "slower" or "faster" to
_LEAST_SHARE = 0.01  # of the unit: smaller changes of a phase are not listed
_LEAST_LINE_SHARE = 0.05  # of the unit: below it, a function's time is a few samples
_MOST_LINES = 3

LineSeconds = tuple[float, Location]
#: The change from the values of the old runs to those of the new ones.
Between = Callable[[Sequence[float], Sequence[float]], Interval | None]


def compare(
    old: Sequence[RunFigures],
    new: Sequence[RunFigures],
    within: float = SAME_WITHIN,
    between: Between = change_between,
    per: str = "",
) -> Comparison:
    """Compare one or more runs of each side. ``within``: the smallest relative change that counts.

    ``between``: how a change follows from the runs; ``change_in_pairs`` if ``old[i]`` was made beside ``new[i]``.
    ``per``: a figure that all of them have; the default is the most telling one.
    """
    per = per or _per(old, new)
    rows = tuple(_row(key, old, new, between) for key in FIGURES if _common(key, old, new))
    primary = next(row for row in rows if row.key == per)
    machines = _differences(old, new, lambda run: run.machine)
    answer, sentence = _answer(primary, machines, within)
    sides = _Side(old, per), _Side(new, per)
    return Comparison(
        old=tuple(run.name for run in old),
        new=tuple(run.name for run in new),
        answer=answer,
        sentence=sentence,
        per=per,
        primary=primary,
        rows=rows,
        phases=_phases(*sides),
        lines=_lines(*sides),
        facts=(*machines, *_differences(old, new, lambda run: run.facts)),
        findings=tuple(_findings(old, new)),
        notes=tuple(_notes(old, new, machines)),
    )


def _per(old: Sequence[RunFigures], new: Sequence[RunFigures]) -> str:
    """What is compared: a step, a sample where a step has another number of them, a request, or the run."""
    if _common("step", old, new):
        sizes = {run.facts.get("DataLoader(batch_size)") for run in (*old, *new)}
        return "sample" if len(sizes) > 1 and _common("sample", old, new) else "step"
    return "request" if _common("request", old, new) else "run"


def _common(key: str, old: Sequence[RunFigures], new: Sequence[RunFigures]) -> bool:
    return all(key in run.figures for run in (*old, *new))


def _mean(key: str, runs: Sequence[RunFigures]) -> float:
    return statistics.fmean(run.figures[key] for run in runs)


def _row(key: str, old: Sequence[RunFigures], new: Sequence[RunFigures], between: Between) -> Row:
    label, unit = FIGURES[key]
    values = [[run.figures[key] for run in runs] for runs in (old, new)]
    alone = [runs[0].within.get(key) if len(runs) == 1 else None for runs in (old, new)]
    return Row(key, label, unit, _mean(key, old), _mean(key, new), between(*values), *alone)


def _answer(primary: Row, machines: Sequence[FactChange], within: float) -> tuple[Answer, str]:
    change, what = primary.change, f"the {primary.label}"
    if machines:
        names = " and ".join(change.label for change in machines)
        return "cannot tell", f"Cannot tell: the two sides were recorded on different machines ({names})."
    if change is None:
        before, after = (units.quantity(value, primary.unit) for value in (primary.old, primary.new))
        seen = "" if primary.relative is None else f" ({signed(primary.relative)})"
        return "cannot tell", (
            f"{what.capitalize()} went from {before} to {after}{seen}. A verdict needs at least two runs on each side."
        )
    changed = f"{what} changed by {signed(change.value)} ({span(change)})"
    if change.excludes_zero and not -within < change.low <= change.high < within:
        slower = change.value > 0
        answer: Answer = "slower" if slower else "faster"
        return answer, f"{answer.capitalize()}: {changed}."
    if -within <= change.low and change.high <= within:
        most = max(abs(change.low), abs(change.high))
        return "same", f"Same within {units.share(most)}: {changed}."
    runs = "more runs on each side would tell"
    return "cannot tell", f"Cannot tell: {changed}; {runs}."


@dataclass(frozen=True)
class _Side:
    """The runs of one side, and the unit that their seconds are given for."""

    runs: Sequence[RunFigures]
    per: str

    @property
    def of_steps(self) -> bool:
        return self.per in ("step", "sample")

    @property
    def unit_seconds(self) -> float:
        return _mean(self.per if self.of_steps else "run", self.runs)

    @property
    def scale(self) -> float:
        """Units to a step."""
        return _mean("sample", self.runs) / _mean("step", self.runs) if self.per == "sample" else 1.0

    def phases(self) -> dict[str, float]:
        """Seconds per unit, the mean over the runs."""
        found: dict[str, float] = {}
        for run in self.runs:
            for name, seconds in (run.step_phases if self.of_steps else run.run_phases).items():
                found[name] = found.get(name, 0.0) + seconds * self.scale / len(self.runs)
        return found

    def functions(self) -> dict[tuple[str, str], LineSeconds]:
        """(file name, function) -> seconds per unit, the mean over the runs, and the line with most of it."""
        found: dict[tuple[str, str], tuple[float, Location, float]] = {}
        for run in self.runs:
            part = (self.scale / max(run.steps, 1) if self.of_steps else 1.0) / len(self.runs)
            for hot in run.step_hot if self.of_steps else run.run_hot:
                place, seconds = Location(hot.file, hot.line, hot.function), hot.seconds * part
                key = hot.file.replace("\\", "/").rpartition("/")[2], hot.function
                total, heaviest, most = found.get(key, (0.0, place, 0.0))
                found[key] = total + seconds, place if seconds > most else heaviest, max(most, seconds)
        return {key: (total, place) for key, (total, place, _) in found.items()}


def _phases(old: _Side, new: _Side) -> tuple[PhaseChange, ...]:
    """The phases whose time changed, the largest change first."""
    before, after = old.phases(), new.phases()
    found = [PhaseChange(name, before.get(name, 0.0), after.get(name, 0.0)) for name in {**before, **after}]
    least = _LEAST_SHARE * old.unit_seconds
    return tuple(sorted((row for row in found if abs(row.seconds) >= least), key=lambda row: -abs(row.seconds)))


def _lines(old: _Side, new: _Side) -> tuple[LineChange, ...]:
    """The user functions whose time changed most. Functions, because lines move between versions of a program."""
    before, after = old.functions(), new.functions()
    found = []
    for key in {**before, **after}:
        sides = before.get(key), after.get(key)
        seconds = [0.0 if side is None else side[0] for side in sides]
        slower = max((side for side in sides if side is not None), key=lambda side: side[0])
        found.append(LineChange(slower[1], *seconds))
    least = _LEAST_LINE_SHARE * old.unit_seconds
    found = [row for row in found if abs(row.seconds) >= least]
    return tuple(sorted(found, key=lambda row: -abs(row.seconds))[:_MOST_LINES])


def _differences(
    old: Sequence[RunFigures], new: Sequence[RunFigures], of: Callable[[RunFigures], dict[str, str]]
) -> tuple[FactChange, ...]:
    """Facts on which no run of one side agrees with one of the other."""
    labels = dict.fromkeys(label for run in (*old, *new) for label in of(run))
    found = []
    for label in labels:
        before, after = ({of(run).get(label, "–") for run in side} for side in (old, new))
        if not before & after:
            found.append(FactChange(label, " or ".join(sorted(before)), " or ".join(sorted(after))))
    return tuple(found)


def _findings(old: Sequence[RunFigures], new: Sequence[RunFigures]) -> Iterable[FindingChange]:
    """Findings of the last run of each side: gone, new, or both with what their fixes would save."""
    before, after = old[-1].findings, new[-1].findings
    for key in [*(key for key in after if key not in before), *before]:
        found = (after.get(key) or before[key]).finding
        yield FindingChange(
            found.detector, found.title, found.location, _share(before.get(key)), _share(after.get(key))
        )


def _share(ranked: Ranked | None) -> float | None:
    if ranked is None:
        return None
    return 0.0 if ranked.finding.gain is None else ranked.finding.gain.share


def _notes(old: Sequence[RunFigures], new: Sequence[RunFigures], machines: Sequence[FactChange]) -> Iterable[str]:
    if machines:
        yield "Differences between machines are not differences between the programs."
    before, after = (set(map(program_of, side)) for side in (old, new))
    if not before & after:
        yield f"The two sides ran different commands: {', '.join(sorted(before))} and {', '.join(sorted(after))}."
    for side in (old, new):
        for run in side:
            if not run.finished:
                yield f"{run.name} is a recording that ended before its program did."
    lost = [FIGURES[key][0] for key in FIGURES if _in_one(key, old, new)]
    if lost:
        yield f"Only one side has these figures: {', '.join(lost)}."


def _in_one(key: str, old: Sequence[RunFigures], new: Sequence[RunFigures]) -> bool:
    sides = [all(key in run.figures for run in side) for side in (old, new)]
    return sides[0] != sides[1]
