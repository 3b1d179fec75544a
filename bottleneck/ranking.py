"""Orders findings: score, what explains what, and a greedy plan that re-simulates after each fix. Pure."""

from __future__ import annotations

from .diagnosis import PlanStep, Ranked
from .findings import Finding, Severity

DEAD_BAND = 0.03  # of the run: a gain below it is not worth a reader's time
STEP_DEAD_BAND = 0.05  # of the run or of the step: one of the two must be worth it (dead band of the peers)
WARNING_SHARE, CRITICAL_SHARE = 0.10, 0.20
EXHAUSTION_CRITICAL_SECONDS = 4 * 3600.0
_EXPLAINED = 0.8  # a child silences its parent when it explains this much of it


def severity(finding: Finding) -> Severity:
    """By the larger of run share and step share; without a gain, by the time to exhaustion."""
    if finding.gain is None:
        left = finding.exhaustion_seconds
        if left is None:
            return "info"
        return "critical" if left < EXHAUSTION_CRITICAL_SECONDS else "warning"
    share = max(finding.gain.share, finding.gain.step_share or 0.0)
    return "critical" if share >= CRITICAL_SHARE else "warning" if share >= WARNING_SHARE else "info"


def score(finding: Finding) -> float:
    """100 x gain x confidence x (1 - risk) / effort (signatures.md 2)."""
    gain = _worth(finding)
    return 100.0 * gain * confidence(finding) * (1.0 - finding.fix.risk) / finding.fix.effort


def confidence(finding: Finding) -> float:
    """c = c_detect x c_predict."""
    return finding.detected_by * (finding.gain.confidence if finding.gain else 0.8)


def _worth(finding: Finding) -> float:
    if finding.gain is not None:
        return finding.gain.share
    return 0.2 if severity(finding) == "critical" else 0.1


def rank(
    findings: list[Finding], explains: dict[str, tuple[str, ...]], wall_seconds: float
) -> tuple[list[Ranked], list[Ranked], list[PlanStep]]:
    """(findings worth acting on, also noticed, plan).

    ``explains``: detector id -> parents that it silences. The plan takes the best finding, removes from the run the
    seconds it saves, re-prices the rest on what is left, and repeats.
    """
    kept = _silence_parents(findings, explains)
    worth = [f for f in kept if ((f.gain is None and f.exhaustion_seconds is not None) or _big(f)) and not f.hint]
    aside = [f for f in kept if f not in worth]
    by_id = {f.detector: f for f in findings}
    silenced = {f.detector for f in findings} - {f.detector for f in kept}

    def ranked(finding: Finding) -> Ranked:
        parents = tuple(p for p in explains.get(finding.detector, ()) if p in silenced and p in by_id)
        return Ranked(finding, severity(finding), confidence(finding), score(finding), parents)

    order = sorted((ranked(f) for f in worth), key=_order)
    plan, order = _plan(order, wall_seconds)
    return order, sorted((ranked(f) for f in aside), key=_order), plan


def _order(ranked: Ranked) -> tuple[float, float, int, str]:
    gain = ranked.finding.gain
    return (-ranked.score, -(gain.low if gain else 0.0), ranked.finding.fix.effort, ranked.finding.detector)


def _big(finding: Finding) -> bool:
    gain = finding.gain
    if gain is None or gain.low <= 0.0:
        return False
    return gain.share >= DEAD_BAND and max(gain.share, gain.step_share or 0.0) >= STEP_DEAD_BAND


def _silence_parents(findings: list[Finding], explains: dict[str, tuple[str, ...]]) -> list[Finding]:
    gains = {f.detector: (f.gain.share if f.gain else 0.0) for f in findings}
    silenced: set[str] = set()
    for finding in (f for f in findings if not f.hint):
        for parent in explains.get(finding.detector, ()):
            explained = gains[finding.detector] >= _EXPLAINED * gains.get(parent, 0.0)
            if parent in gains and (explained or finding.gain is None or parent not in _PARENTS_WITH_REMAINDER):
                silenced.add(parent)
    return [f for f in findings if f.detector not in silenced]


#: Parents that may still speak when a child explains only a small part of them.
_PARENTS_WITH_REMAINDER = frozenset({"residual-python"})


def _plan(order: list[Ranked], wall_seconds: float) -> tuple[list[PlanStep], list[Ranked]]:
    """Greedy: apply the first, shrink what the others can still remove, take the next."""
    left = wall_seconds
    taken: dict[str, float] = {}
    plan: list[PlanStep] = []
    todo = [r for r in order if r.finding.gain is not None and r.finding.gain.basis in ("run", "step")]
    while todo:
        priced = sorted(((_still(r.finding, taken), r) for r in todo), key=lambda pair: -pair[0] * _per_effort(pair[1]))
        seconds, best = priced[0]
        todo.remove(best)
        if seconds < DEAD_BAND * left:
            continue
        left -= seconds
        for phase, removed in best.finding.removes.items():
            taken[phase] = taken.get(phase, 0.0) + removed
        plan.append(PlanStep(best.finding.detector, max(left, 0.0)))
    places = {step.detector: index for index, step in enumerate(plan)}
    unpriced = len(plan)
    order = sorted(order, key=lambda r: (places.get(r.finding.detector, unpriced), *_order(r)))
    return plan, order


def _per_effort(ranked: Ranked) -> float:
    return ranked.confidence * (1.0 - ranked.finding.fix.risk) / ranked.finding.fix.effort


def _still(finding: Finding, taken: dict[str, float]) -> float:
    """Seconds the fix can still save once ``taken`` has been removed per phase."""
    assert finding.gain is not None
    total = sum(finding.removes.values())
    if total <= 0:
        return finding.gain.seconds
    free = sum(max(0.0, seconds - taken.get(phase, 0.0)) for phase, seconds in finding.removes.items())
    return finding.gain.seconds * min(1.0, free / total)
