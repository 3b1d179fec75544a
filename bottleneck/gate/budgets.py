"""Limits on figures of the new version, and findings that it must not add. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from ..comparison.figures import FindingKey, RunFigures
from ..comparison.statistics import mean_of_runs
from ..diagnosis.findings import Severity
from ..diagnosis.model import Ranked
from ..exporters.support import units, words
from .model import Condition, Outcome

_SECONDS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0}
_QUANTITY = re.compile(r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(\S*)")
SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # the worst first


@dataclass(frozen=True)
class Budget:
    """``figure``: its value in a run, None if the run has none. ``at_most``: else the value must not be below."""

    name: str
    limit: float
    unit: str
    figure: Callable[[RunFigures], float | None]
    missing: str  # why it may not have been measured
    at_most: bool = True

    def judge(self, runs: Sequence[RunFigures]) -> Condition:
        values = [value for value in map(self.figure, runs) if value is not None]
        wanted = f"{'at most' if self.at_most else 'at least'} {units.quantity(self.limit, self.unit)}"
        if len(values) < len(runs) or not values:
            return Condition(self.name, "cannot tell", f"Cannot tell: {self.missing} ({wanted} is asked for).")
        mean = mean_of_runs(values)
        span = " to ".join(units.quantity(value, self.unit) for value in (mean.low, mean.high))
        seen = f"{self.name} is {units.quantity(mean.value, self.unit)} ({span})"
        outcome = self._outcome(mean.low, mean.high)
        if outcome == "cannot tell":
            return Condition(self.name, outcome, f"Cannot tell: {seen}, too close to {wanted}.")
        missed = "over its budget" if self.at_most else "under its budget"
        kept = missed if outcome == "fail" else "within its budget"
        return Condition(self.name, outcome, f"{seen[0].upper()}{seen[1:]}, {kept}: {wanted}.")

    def _outcome(self, low: float, high: float) -> Outcome:
        if not self.at_most:
            low, high, limit = -high, -low, -self.limit
        else:
            limit = self.limit
        return "pass" if high <= limit else "fail" if low > limit else "cannot tell"


def max_step_time(seconds: float) -> Budget:
    return Budget("step time", seconds, "s", lambda run: run.figures.get("step"), "the runs have no steps to judge")


def min_gpu_busy(share: float) -> Budget:
    missing = "no accelerator was measured"
    return Budget("accelerator busy", share, "share", lambda run: run.figures.get("gpu_busy"), missing, at_most=False)


def max_data_wait(share: float) -> Budget:
    def figure(run: RunFigures) -> float | None:
        step = run.figures.get("step")
        return run.figures["data_wait"] / step if step else None

    return Budget("waiting for data", share, "share", figure, "the runs have no steps to judge")


def seconds_of(text: str) -> float:
    """``250ms``, ``0.25s`` or ``0.25``, in seconds. Raises ValueError."""
    value, unit = _parsed(text)
    if unit not in _SECONDS or value <= 0:
        raise ValueError(f"{text} is no time such as 250ms or 0.25s")
    return value * _SECONDS[unit]


def share_of(text: str) -> float:
    """``80%`` or ``0.8``, as a share. Raises ValueError."""
    value, unit = _parsed(text)
    share = value / 100 if unit == "%" else value
    if unit not in ("", "%") or not 0 <= share <= 1:
        raise ValueError(f"{text} is no share such as 80% or 0.8")
    return share


def _parsed(text: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or not math.isfinite(float(match[1])):
        return math.nan, "?"
    return float(match[1]), match[2]


def no_new_findings(
    least: Severity, known: Iterable[FindingKey], runs: Sequence[RunFigures], old_name: str
) -> Condition:
    """No finding at least as severe as ``least`` that most ``runs`` have, and that is not ``known``."""
    name = f"no new {least} findings" if least == SEVERITIES[0] else f"no new findings, {least} or worse"
    severe = SEVERITIES[: SEVERITIES.index(least) + 1]
    new = [row for key, row in common_findings(runs).items() if key not in set(known) and row.severity in severe]
    if not new:
        return Condition(name, "pass", f"No new findings that are {least}{'' if len(severe) == 1 else ' or worse'}.")
    first = min(new, key=lambda row: SEVERITIES.index(row.severity))
    place = first.finding.location
    where = "" if place is None else f" at {words.place(place)}"
    more = f", and {len(new) - 1} more" if len(new) > 1 else ""
    return Condition(
        name, "fail", f"A finding that {old_name} does not have: {first.finding.title}{where}{more}.", place
    )


def common_findings(runs: Sequence[RunFigures]) -> dict[FindingKey, Ranked]:
    """The findings that more than half of the runs have, as in the last run that has them."""
    last = {key: ranked for run in runs for key, ranked in run.findings.items()}
    return {key: row for key, row in last.items() if 2 * sum(key in run.findings for run in runs) > len(runs)}
