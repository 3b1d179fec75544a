"""What the training detectors share: what work taken off the training thread saves, and what then limits."""

from __future__ import annotations

import math

from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.laws import seconds_saved_by_less_work
from .._common import MAX_TIMES_RARER, work_seconds_after

_QUEUED = 2  # batches that each worker keeps ready: torch's own prefetch_factor


def seconds_saved_by_rarer(
    steps: Steps, loading: Loading | None, seconds: float, times: float, cpu_share: float
) -> float:
    """Of ``seconds`` of work inside the steps, what is saved when it no longer interrupts them so many times.

    Meanwhile the workers fill their queue, and no more than that: only so much loading was hidden and shows then.
    """
    if loading is None or not loading.workers or not steps.count:
        return seconds
    per_step = seconds / steps.count
    work = work_seconds_after(steps, loading, per_step, cpu_share)
    hidden = times * _QUEUED * loading.workers * max(0.0, loading.load_seconds / loading.workers - work)
    return max(seconds_saved_by_less_work(steps, loading, per_step, cpu_share), seconds - hidden)


def times_rarer(share: float, target_share: float, most: int) -> int:
    """How much rarer what takes ``share`` of the run must be to take the target of the shorter run, at most ``most``.

    share / k <= target_share * (1 - share + share / k), solved for k.
    """
    others = max(1 - share, 1e-9) * target_share
    return max(2, min(most, math.ceil(share * (1 - target_share) / others)))


def most_rare(count: int, steps: Steps, most: int = MAX_TIMES_RARER) -> int:
    """How much rarer something done ``count`` times may become, so that one of each epoch is left."""
    epochs = len(set(steps.rows["loop"].tolist())) if steps.kind == "loader" else 1
    return min(most, count // max(1, epochs))
