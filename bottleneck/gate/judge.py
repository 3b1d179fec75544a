"""Whether the new version is slower than the old one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..comparison.compare import Between, compare
from ..comparison.figures import FIGURES, RunFigures, program_of
from ..comparison.model import Comparison
from ..comparison.statistics import change_between, change_in_pairs
from ..comparison.words import signed, span
from ..exporters.support import units
from ..pairs.verdict import Verdict, verdict
from .model import Condition, Outcome

_RATES = ("step", "request")  # figures without which another one would be compared


def judge(
    old: Sequence[RunFigures], new: Sequence[RunFigures], old_name: str, within: float, paired: bool
) -> tuple[Condition, Comparison, Verdict]:
    """Compare the runs of both versions, in pairs or not. At least one run on each side."""
    between: Between = change_in_pairs if paired else change_between
    comparison = compare(old, new, within, between)
    key, label = comparison.primary.key, comparison.primary.label
    before, after = ([run.figures[key] for run in side] for side in (old, new))
    found = verdict(before, after, within, between)
    why_not = _not_comparable(old, new, comparison)
    outcome: Outcome = "not comparable" if why_not else _outcome(found)
    sentence = f"Not comparable: {why_not}." if why_not else _sentence(found, label, paired)
    slower = (line.location for line in comparison.lines if line.seconds > 0)
    line = next(slower, None) if outcome == "fail" else None
    condition = Condition(f"{label} against {old_name}", outcome, sentence, line)
    answer = "cannot tell" if why_not else found.answer
    return condition, replace(comparison, answer=answer, sentence=sentence, notes=_notes(comparison)), found


def _not_comparable(old: Sequence[RunFigures], new: Sequence[RunFigures], comparison: Comparison) -> str:
    """Why the figures of the two sides are not of one thing, as a clause; "" if they are."""
    labels = new[0].machine
    machines = [fact for fact in comparison.facts if fact.label in labels]
    if machines:
        differ = ", ".join(f"{fact.label} {fact.old} and {fact.new}" for fact in machines)
        return f"the two versions ran on different machines ({differ})"
    for key in _RATES:
        have = [sum(key in run.figures for run in side) for side in (old, new)]
        if 0 < sum(have) < len(old) + len(new):
            counts = f"{have[0]} of {len(old)} old and {have[1]} of {len(new)} new runs"
            return f"not every run has the figure {FIGURES[key][0]}: {counts}"
    commands = [set(map(program_of, side)) for side in (old, new)]
    if not commands[0] & commands[1]:
        return f"the two versions ran different programs ({commands[0].pop()} and {commands[1].pop()})"
    return ""


def _outcome(found: Verdict) -> Outcome:
    if found.answer == "slower":
        return "fail"
    return "pass" if found.answer in ("faster", "same") or found.not_slower else "cannot tell"


def _sentence(found: Verdict, label: str, paired: bool) -> str:
    runs = f"{found.pairs} {'pair' if paired else 'run'}{'s' if found.pairs != 1 else ''}"
    if found.change is None and found.pairs > 1:
        return f"Cannot tell: the {label} is 0 in some of the runs."
    if found.change is None:
        return (
            f"Cannot tell: {'only ' if found.pairs else ''}{runs} could be made in the time, and a verdict needs two."
        )
    seen = f"the {label} changed by {signed(found.change.value)} ({span(found.change)}) in {runs}"
    if found.answer == "same":
        most = max(abs(found.change.low), abs(found.change.high))
        return f"Same within {units.share(most)}: {seen}."
    if found.answer == "cannot tell" and found.not_slower:
        return f"Not slower: {seen}."
    if found.answer != "cannot tell":
        return f"{found.answer.capitalize()}: {seen}."
    noise = f"runs of one version differ by {units.share(found.run_noise)}"
    return f"Cannot tell: {seen}; {noise}, and a change of less than {units.share(found.limit)} could be chance."


def _notes(comparison: Comparison) -> tuple[str, ...]:
    """The comparison's own, and one if the run as a whole tells something else than the step."""
    run = next((row for row in comparison.rows if row.key == "run"), None)
    if run is None or run.key == comparison.primary.key or run.change is None or run.change.low < 0.05:
        return comparison.notes
    return (*comparison.notes, f"The run as a whole takes {signed(run.change.value)} ({span(run.change)}).")
