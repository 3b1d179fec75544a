"""Orders findings by score, silences symptoms that a cause explains, and makes a greedy plan. Pure."""

from __future__ import annotations

import math

from .findings import Finding, Severity
from .laws import changed, seconds_saved_by
from .model import PlanStep, Ranked
from .remaining import Remaining
from .schedule import saved_seconds

DEAD_BAND = 0.03  # of the run: a smaller gain is not worth a reader's time
NOTHING = 0.01  # of the run: a ceiling whose fix may save no more must be a high one
STEP_DEAD_BAND = 0.05  # of the run or of the step: one of them must exceed it (dead band of similar tools)
WARNING_SHARE, CRITICAL_SHARE = 0.10, 0.20
EXHAUSTION_CRITICAL_SECONDS = 4 * 3600.0
HEADROOM_WARNING_SHARE, HEADROOM_CRITICAL_SHARE = 0.10, 0.03  # of memory free at the peak (own)
GUESS = 0.2  # confidence of a prediction that is a rule of thumb (docs/gains.md): never critical
_MOST = 0.5  # of a symptom's gain: a cause in the same function must save this much
_EXPLAINED = 0.8  # a child silences its parent if it explains this share of it


def severity(finding: Finding) -> Severity:
    """By the larger of run share and step share; without a gain, by the remaining time or memory.

    A mere guess is at most a warning.
    """
    if finding.gain is None:
        if not _ends_the_run(finding):
            return "info"
        seconds, share = finding.exhaustion_seconds, finding.headroom_share
        soon = seconds is not None and seconds < EXHAUSTION_CRITICAL_SECONDS
        return "critical" if soon or (share is not None and share < HEADROOM_CRITICAL_SHARE) else "warning"
    share = finding.gain.share
    if share >= STEP_DEAD_BAND:  # not a warning if the steps are only a small part of the run
        share = max(share, finding.gain.step_share or 0.0)
    guessed = confidence(finding) <= GUESS
    return "critical" if share >= CRITICAL_SHARE and not guessed else "warning" if share >= WARNING_SHARE else "info"


def score(finding: Finding) -> float:
    """100 x gain x value per second saved (docs/gains.md)."""
    return 100.0 * _worth_share(finding) * _per_second(finding)


def _per_second(finding: Finding) -> float:
    """Confidence x (1 - risk) / root of the effort.

    We use the root because an early fix saves for longer. Dividing by the effort itself put flags ahead of causes twice
    as large; such orders were worth 76 to 85 % of the best one (benchmarks/order.py).
    """
    return confidence(finding) * (1.0 - finding.fix.risk) / math.sqrt(finding.fix.effort)


def confidence(finding: Finding) -> float:
    """c = c_detect x c_predict."""
    return finding.detected_by * (finding.gain.confidence if finding.gain else 0.8)


def _worth_share(finding: Finding) -> float:
    if finding.gain is not None:
        return finding.gain.low if finding.gain.ceiling else finding.gain.share
    return 0.2 if severity(finding) == "critical" else 0.1


def rank(
    findings: list[Finding], explains: dict[str, tuple[str, ...]], wall_seconds: float
) -> tuple[list[Ranked], list[Ranked], list[PlanStep]]:
    """(findings worth acting on, also noticed, plan).

    ``explains``: detector id -> parents that it silences. The plan applies the best finding to the step model,
    recomputes the gains of the rest, and repeats.
    """
    kept = _silence_parents(findings, explains)
    worth = [f for f in kept if _worth_acting(f)]
    aside = [f for f in kept if f not in worth]
    by_id = {f.detector: f for f in findings}
    silenced = {f.detector for f in findings} - {f.detector for f in kept}

    def ranked(finding: Finding) -> Ranked:
        parents = tuple(p for p in _parents(finding, explains) if p in silenced and p in by_id)
        return Ranked(finding, severity(finding), confidence(finding), score(finding), parents)

    order = sorted((ranked(f) for f in worth), key=_order)
    plan, order = _plan(order, wall_seconds)
    return order, sorted((ranked(f) for f in aside), key=_order), plan


def _order(ranked: Ranked) -> tuple[bool, float, float, int, str]:
    gain = ranked.finding.gain
    # A ceiling is only an upper bound, so it ranks after a predicted gain.
    return (
        gain is not None and gain.ceiling,
        -ranked.score,
        -(gain.low if gain else 0.0),
        ranked.finding.fix.effort,
        ranked.finding.detector,
    )


def _big(finding: Finding) -> bool:
    gain = finding.gain
    if gain is None:
        return False
    nothing = gain.low < NOTHING if gain.ceiling else gain.low <= 0.0
    if nothing and gain.share < WARNING_SHARE:
        return False
    return gain.share >= DEAD_BAND and max(gain.share, gain.step_share or 0.0) >= STEP_DEAD_BAND


def _worth_acting(finding: Finding) -> bool:
    return (_ends_the_run(finding) or _big(finding)) and not finding.hint


def _ends_the_run(finding: Finding) -> bool:
    """Whether it costs no time but may kill the run."""
    share = finding.headroom_share
    short = share is not None and share < HEADROOM_WARNING_SHARE
    return finding.gain is None and (finding.exhaustion_seconds is not None or short)


def _silence_parents(findings: list[Finding], explains: dict[str, tuple[str, ...]]) -> list[Finding]:
    """Drop every parent that is mostly explained by one child worth acting on.

    A general detector's finding at a line is a parent of a library-specific detector's finding at that line.
    """
    by_id = {finding.detector: finding for finding in findings}
    worth = [finding for finding in findings if _worth_acting(finding)]
    silenced = {
        parent
        for child in worth
        for parent in _parents(child, explains)
        if parent in by_id and (_explained(by_id[parent], child) or _is_cause_of(child, by_id[parent]))
    }
    specific = [f for f in worth if not f.general and f.location is not None and f.detector not in silenced]
    silenced |= {
        parent.detector
        for parent in findings
        if parent.general
        for child in specific
        if _same_line(parent, child) and _explained(parent, child)
    }
    return [f for f in findings if f.detector not in silenced]


def _parents(child: Finding, explains: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return (*explains.get(child.detector, ()), *child.explains)


def _same_line(one: Finding, other: Finding) -> bool:
    a, b = one.location, other.location
    return a is not None and b is not None and (a.file, a.line) == (b.file, b.line)


def _is_cause_of(child: Finding, parent: Finding) -> bool:
    """Whether a known cause is in the symptom's line or function, or saves more than the symptom's fix."""
    if parent.detector not in child.explains:
        return False
    near = _same_line(child, parent) or (_same_function(child, parent) and _holds_most(child, parent))
    return near or _saves_more(child, parent)


def _saves_more(child: Finding, parent: Finding) -> bool:
    """Whether the cause has a predicted gain, not a ceiling, and saves at least as much as the symptom's fix."""
    if child.gain is None or parent.gain is None or child.gain.ceiling or parent.gain.basis == "p99":
        return False  # a share of a latency is no share of the run
    return child.general and child.gain.share >= parent.gain.share


def _same_function(one: Finding, other: Finding) -> bool:
    a, b = one.location, other.location
    return a is not None and b is not None and a.function != "" and (a.file, a.function) == (b.file, b.function)


def _holds_most(child: Finding, parent: Finding) -> bool:
    if child.gain is None or parent.gain is None:
        return parent.gain is None
    return child.gain.share >= _MOST * parent.gain.share


def _explained(parent: Finding, child: Finding) -> bool:
    """Whether the parent's fix gains little once the child's is applied."""
    if parent.gain is None:
        return True
    first, second = child.changes, parent.changes
    if first is not None and second is not None:
        left = seconds_saved_by(changed(first.of, first), second)
        return left <= (1.0 - _EXPLAINED) * seconds_saved_by(second.of, second)
    if child.replay is not None and parent.replay is not None:
        left = saved_seconds([child.replay, parent.replay]) - saved_seconds([child.replay])
        return left <= (1.0 - _EXPLAINED) * saved_seconds([parent.replay])
    # A symptom's gain is a ceiling: only its lower end is certain.
    claim = parent.gain.low if parent.detected_by < 1.0 else parent.gain.share
    return child.gain is not None and child.gain.share >= _EXPLAINED * claim


def _plan(order: list[Ranked], wall_seconds: float) -> tuple[list[PlanStep], list[Ranked]]:
    """Greedy: apply the best finding, recompute the others on the remaining steps, repeat; stop at the dead band.

    A ceiling is never a step of the plan.
    """
    model = next((changes.of for r in order if (changes := r.finding.changes)), None)
    left = Remaining(wall_seconds, model, model)
    plan: list[PlanStep] = []
    todo = [
        r for r in order if (gain := r.finding.gain) is not None and gain.basis in ("run", "step") and not gain.ceiling
    ]
    while todo:
        priced = [(left.still_saved_seconds(r.finding), r) for r in todo]
        priced = [(seconds, r) for seconds, r in priced if seconds >= DEAD_BAND * left.seconds]
        if not priced:
            break
        seconds, best = max(priced, key=lambda pair: pair[0] * _per_second(pair[1].finding))
        todo.remove(best)
        left.apply(best.finding, seconds)
        plan.append(PlanStep(best.finding.detector, left.seconds))
    places = {step.detector: index for index, step in enumerate(plan)}
    unpriced = len(plan)
    order = sorted(order, key=lambda r: (places.get(r.finding.detector, unpriced), *_order(r)))
    return plan, order
