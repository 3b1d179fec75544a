"""What a trial has shown, as data and in words."""

from __future__ import annotations

import math
import statistics
import time
from typing import Any

from ..diagnosis.findings import Finding
from ..exporters.support import units
from ..exporters.support.words import visible
from .losses import compare
from .prove import Plan, Tried, counted
from .subject import Subject

SCHEMA = "bottleneck.trial/1"
_OF = {"step": "each step", "pace": "the time per step", "run": "the run"}
_MEAN = {"step": "mean step", "pace": "time per step, pauses between the steps included", "run": "run"}
_WORDS = {"faster": "Faster", "slower": "Slower", "same": "No gain", "cannot tell": "Cannot tell"}


def announced(finding: Finding, subject: Subject, plan: Plan) -> str:
    """What will be run, and how long that takes."""
    place = "" if finding.location is None else f" ({finding.location})"
    many = f"{subject.measure.steps} steps after warm-up" if subject.measure.steps else "the whole program"
    return visible(
        f"trying {subject.change.words} for {finding.detector}{place}: {plan.runs} runs of {many}, {needed(plan)}"
    )


def needed(plan: Plan) -> str:
    return (
        f"about {units.about(plan.seconds)}; up to {plan.most_runs} runs, {units.about(plan.most_seconds)}, "
        "if they differ much"
    )


def so_far(tried: Tried) -> str:
    """One line on the last pair."""
    gain = list(counted(tried))[-1]
    times = f"{units.seconds(tried.old[-1])} as it is, {units.seconds(tried.new[-1])} with the fix"
    return f"pair {len(tried.old)}: {times} ({_signed(gain)})"


def result(finding: Finding, subject: Subject, tried: Tried) -> dict[str, Any]:
    """The trial as JSON: shares of ``basis`` that the fix saves, and seconds on it."""
    measure, obtained = subject.measure, tried.obtained
    place, losses = finding.location, compare(*tried.losses, measure.steps)
    return {
        "schema": SCHEMA,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "detector": finding.detector,
        "title": finding.title,
        "location": None if place is None else {"file": place.file, "line": place.line, "function": place.function},
        "change": subject.change.words,
        "own": subject.own,
        "answer": "cannot tell" if obtained is None else obtained.answer,
        "basis": measure.basis,
        "steps": measure.steps,
        "pairs": len(tried.old),
        "obtained": None
        if obtained is None or obtained.gain is None
        else {"share": obtained.gain, "low": obtained.low, "high": obtained.high},
        "predicted": None
        if measure.predicted is None
        else {"share": measure.predicted, "low": measure.low, "high": measure.high},
        "seconds": {"old": tried.old, "new": tried.new},
        "losses": None
        if losses is None
        else {"old": losses.old, "new": losses.new, "spread": losses.spread, "differ": losses.differ},
        "time_was_up": tried.minutes_over,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The result for people."""
    obtained, predicted = found["obtained"], found["predicted"]
    of = _OF[found["basis"]]
    said = [f"{_WORDS[found['answer']]}: {_sentence(found['answer'], obtained, of)}"]
    if obtained is not None:
        old, new = (units.seconds(statistics.fmean(found["seconds"][side])) for side in ("old", "new"))
        said.append(f"  {_MEAN[found['basis']]}: {old} as it is, {new} with the fix ({found['pairs']} pairs of runs)")
        if predicted is not None:
            where = _where(obtained, predicted)
            said.append(f"  predicted: {_percent(predicted['share'])} of {of} ({_span(predicted)}); {where}")
    if found["answer"] == "cannot tell":
        said.append(f"  {_why(found)}")
    if found["losses"] is not None:
        said.append(f"  {_about(**found['losses'])}")
    return [visible(line) for line in said]


def _sentence(answer: str, obtained: dict[str, float] | None, of: str) -> str:
    if obtained is None:
        return "no pair of runs was done in time."
    share, span = abs(obtained["share"]), _span(obtained)
    if answer == "faster":
        return f"the fix saves {_percent(share)} of {of} ({span})."
    if answer == "slower":
        return f"with the fix, {of} takes {_percent(share)} more ({_span(_negative(obtained))})."
    if answer == "same":
        return f"the fix changes {of} by less than {_percent(max(map(abs, (obtained['low'], obtained['high']))))}."
    return f"between {_signed(obtained['low'])} and {_signed(obtained['high'])} of {of} would be saved."


def _why(found: dict[str, Any]) -> str:
    if found["time_was_up"]:
        return f"the time was up after {found['pairs']} pairs of runs; --max-minutes gives it more"
    return "runs of one version differ too much, even of the program as it is"


def _about(old: float, new: float, spread: float, differ: bool) -> str:
    """The losses."""
    means = f"losses at the end: {old:.4g} as it is, {new:.4g} with the fix"
    runs = f"runs of one version differ by up to {_percent(spread)}" if spread else "runs of one version repeat exactly"
    if differ:
        return f"{means}; {runs}, so the fix changes what is learned: compare the results of whole runs"
    return f"{means}: no more of a difference than chance makes ({runs})"


def _where(obtained: dict[str, float], predicted: dict[str, float]) -> str:
    if predicted["low"] <= obtained["share"] <= predicted["high"]:
        return "what was obtained lies within"
    return f"what was obtained is {'more' if obtained['share'] > predicted['high'] else 'less'}"


def _negative(shares: dict[str, float]) -> dict[str, float]:
    return {"low": -shares["high"], "high": -shares["low"]}


def _percent(share: float) -> str:
    return units.share(share) if math.isfinite(share) else units.NOTHING


def _signed(share: float) -> str:
    return f"{'−' if share < 0 else ''}{_percent(abs(share))}"


def _span(shares: dict[str, float]) -> str:
    return f"{_signed(shares['low'])} to {_signed(shares['high'])}"
