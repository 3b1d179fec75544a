"""What the training detectors share: what work taken off the training thread saves, and what then limits."""

from __future__ import annotations

from dataclasses import replace

from ...prediction import LoaderTerms, step_with_workers
from ...timeline.loading import Loading
from ...timeline.steps import Steps
from ..loading._shared import terms

MOST_TIMES = 20  # how much rarer a fix may make anything: beyond it little is gained and the cadence loses its point
_QUEUED = 2  # batches that each worker keeps ready: torch's own prefetch_factor


def saved_by_less_work(steps: Steps, loading: Loading | None, seconds_per_step: float, cpu_share: float) -> float:
    """Seconds of the run saved when each step does so much less: with workers, loading may set the pace then."""
    saved = seconds_per_step
    if loading is not None and loading.workers:
        now = step_with_workers(terms(loading), loading.workers)
        saved = min(saved, max(0.0, now - step_with_workers(_less(loading, saved, cpu_share), loading.workers)))
    return saved * steps.count


def saved_by_rarer(steps: Steps, loading: Loading | None, seconds: float, times: float, cpu_share: float) -> float:
    """Of ``seconds`` of work inside the steps, what is saved when it no longer interrupts them so many times.

    Meanwhile the workers fill their queue, and no more than that: only so much loading was hidden and shows then.
    """
    if loading is None or not loading.workers or not steps.count:
        return seconds
    per_step = seconds / steps.count
    batch, work = loading.load / loading.workers, _less(loading, per_step, cpu_share).work
    hidden = times * _QUEUED * loading.workers * max(0.0, batch - work)
    return max(saved_by_less_work(steps, loading, per_step, cpu_share), seconds - hidden)


def limit_after(loading: Loading | None, seconds_per_step: float, otherwise: str) -> str:
    """What limits once each step does so much less."""
    if loading is not None:
        batch = loading.load / max(loading.workers, 1)
        if batch > _less(loading, seconds_per_step, 1.0).work:
            return f"data loading, {batch * 1e3:.1f} ms a step"
    return otherwise


def _less(loading: Loading, seconds: float, cpu_share: float) -> LoaderTerms:
    now = terms(loading)
    work_cpu = max(0.0, now.work_cpu - seconds * cpu_share)
    return replace(now, work=max(0.0, now.work - seconds), work_cpu=work_cpu)
