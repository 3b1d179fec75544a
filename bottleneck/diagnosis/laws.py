"""The laws that predict what a fix saves, from terms measured in the run; ranges by block bootstrap. Pure.

docs/gains.md explains them. "Cores" means the cores that the run used plus the cores that were idle meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..artifacts.loading.loading import Loading
from ..artifacts.training.steps import Steps
from .findings import QUEUE_SECONDS, Basis, Changes, Gain, StepModel

Floats = npt.NDArray[np.float64]
_RECEIVED = 0.5  # share of the queue's CPU spent in the training thread between steps
_MOST = 0.99  # of a run that a fix can save: it cannot save everything
_RUN_NOISE = 0.04  # one sigma of the ratio of two runs of one program on a 2-core machine (own measurement)
_BLOCKS = 20
_ROUNDS = 200
_MODEL_ERROR = 0.10  # one sigma of the laws' relative error on real loaders, without the sampling error
#: Error of the law, P10 to P90, of the step that it predicts: planted waits, and real loaders short of cores.
_WAITING_ERROR, _COMPUTING_ERROR = 0.02, 0.20
#: What the rest of a step saves besides when a pause goes, expected and at most: shares of the saving for each share of
#: the step that remains, and seconds a step. Own measurement, 11 pairs of steps of 2 to 25 ms: -0.3 to 0.9, median 0.2.
#: Forward, backward and optimizer became 23 to 44 % quicker in eight of them, by 0.4 to 4 ms; -8 to 9 % in the others.
_WARMER = ((0.2, 1.5e-3), (0.6, 4e-3))


def step_model(loading: Loading, steps: Steps) -> StepModel:
    """The law's terms of this run."""
    return StepModel(
        float(loading.work_seconds.mean()),
        loading.load_seconds,
        loading.load_cpu_seconds,
        loading.work_cpu_seconds,
        max(1.0, loading.cores),
        QUEUE_SECONDS * loading.crowding_factor,
        loading.workers,
        steps.count,
        loading.own_crowding_factor,
    )


def step_seconds_with_workers(terms: StepModel, workers: int) -> float:
    """T' = max(C + queue, L/n, (Lcpu + Ccpu + queue)/cores) with the queue's share of each path; n = 0: C + L."""
    if workers <= 0:
        return terms.work_seconds + terms.load_seconds
    queue = 0.0 if terms.workers else terms.queue_seconds  # otherwise the measured CPU time includes it
    cpu_bound = (terms.load_cpu_seconds + terms.work_cpu_seconds + queue) / max(terms.cores, 1.0)
    # If the cores are not the limit, our own processes no longer slow the work down.
    work = terms.work_seconds
    if cpu_bound < work:
        work = max(cpu_bound, work / terms.own_crowding_factor)
    return max(work + _RECEIVED * terms.queue_seconds, terms.load_seconds / workers, cpu_bound)


def best_workers(terms: StepModel, most: int) -> int:
    """n*: the smallest n after which one more worker lowers T' by less than 3 %."""
    for workers in range(1, most):
        now, more = step_seconds_with_workers(terms, workers), step_seconds_with_workers(terms, workers + 1)
        further = step_seconds_with_workers(terms, min(most, workers * 2))
        if now - more < 0.03 * now and now - further < 0.03 * now:
            return workers
    return max(1, most)


def step_seconds(model: StepModel) -> float:
    """Seconds of one step by the law."""
    return step_seconds_with_workers(model, model.workers)


def cores_needed_share(model: StepModel) -> float:
    """Share of the cores that these steps keep busy, 0 to 1."""
    needed = (model.load_cpu_seconds + model.work_cpu_seconds) / max(model.cores, 1.0) / max(step_seconds(model), 1e-9)
    return min(1.0, needed)


def law_error(model: StepModel) -> float:
    """Relative error (+/-) of the law for these steps; it grows with the share of the cores that they need."""
    return _WAITING_ERROR + (_COMPUTING_ERROR - _WAITING_ERROR) * cores_needed_share(model)


def changed(model: StepModel, changes: Changes) -> StepModel:
    """The model after a fix; no term falls below zero."""
    workers = model.workers if changes.workers is None else changes.workers
    # Adding the first workers adds the cost of the queue.
    queue = model.queue_seconds if workers and not model.workers else 0.0
    return replace(
        model,
        work_seconds=max(0.0, model.work_seconds + changes.work_seconds),
        load_seconds=max(0.0, model.load_seconds + changes.load_seconds),
        load_cpu_seconds=max(0.0, model.load_cpu_seconds + changes.load_cpu_seconds),
        work_cpu_seconds=max(0.0, model.work_cpu_seconds + changes.work_cpu_seconds + queue),
        workers=workers,
    )


def seconds_saved_by(model: StepModel, changes: Changes) -> float:
    """Seconds of the run that a fix saves, given the steps in ``model``."""
    return max(0.0, step_seconds(model) - step_seconds(changed(model, changes))) * model.steps


def less_work(steps: Steps, loading: Loading, seconds_per_step: float, cpu_share: float) -> Changes:
    """The model change of a fix that removes this much work from every step; ``cpu_share`` of it is CPU time."""
    model = step_model(loading, steps)
    return Changes(model, work_seconds=-seconds_per_step, work_cpu_seconds=-seconds_per_step * cpu_share)


def seconds_saved_by_less_work(
    steps: Steps, loading: Loading | None, seconds_per_step: float, cpu_share: float
) -> float:
    """Seconds of the run saved by ``seconds_per_step`` less work in every step; ``cpu_share`` of it is CPU time.

    If workers set the pace, the step only drops to max(L/n, CPU/cores) and the rest becomes waiting. Without workers
    the full time is saved, also where it is that of a batch that the loop makes itself. ``loading`` is None if no
    loader feeds the steps.
    """
    most = seconds_per_step * steps.count
    if loading is None or not loading.workers:
        return most
    changes = less_work(steps, loading, seconds_per_step, cpu_share)
    return min(most, seconds_saved_by(changes.of, changes))


def warmer(steps: Steps, saved_seconds: float, free: float = 1.0) -> tuple[float, float]:
    """(expected, at most) additional seconds that the rest of the steps saves once a pause is removed from each.

    Code that runs in a pause evicts the caches, and idle cores go to sleep. ``free``: share of the cores that are idle
    after the fix. Does not cover work on an accelerator.
    """
    if steps.accelerated:
        return 0.0, 0.0
    remains = max(0.0, 1.0 - saved_seconds / max(steps.total_seconds, 1e-9)) * free
    expected, most = (min(share * remains * saved_seconds, each * steps.count) for share, each in _WARMER)
    return expected, most


def block_bootstrap(
    columns: tuple[Floats, ...], statistic: Callable[..., float], seed: int = 7
) -> tuple[float, float, float]:
    """(value, P10, P90) of ``statistic`` of the columns' means, resampling blocks of consecutive steps."""
    count = len(columns[0])
    value = statistic(*(float(column.mean()) for column in columns))
    if count < 8:
        return value, value, value
    size = max(1, count // _BLOCKS)
    sums = [np.append(0.0, np.cumsum(column)) for column in columns]  # a draw then costs its blocks, not its steps
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(_ROUNDS):
        chosen = random.choice(count - size + 1, size=max(1, count // size))
        drawn = len(chosen) * size
        draws.append(statistic(*(float((each[chosen + size] - each[chosen]).sum()) / drawn for each in sums)))
    low, high = np.percentile(draws, [10, 90])
    return value, float(low), float(high)


def gain(
    saved_seconds: float,
    run_seconds: float,
    method: str,
    *,
    low_seconds: float | None = None,
    high_seconds: float | None = None,
    besides: tuple[float, float] = (0.0, 0.0),
    step_share: float | None = None,
    relative_error: float = _MODEL_ERROR,
    confidence: float = 0.8,
    basis: Basis = "run",
    ceiling: bool = False,
) -> Gain:
    """A Gain from seconds saved in this run: 0 <= low <= share <= high <= 0.99.

    The range includes the law's own error and the noise between two runs of one program. ``besides``: (expected,
    at most) seconds that may be saved in addition, as from ``warmer``, possibly none. A ``step_share`` above 1 is
    dropped: a saving larger than the steps lies outside them.
    """
    run = max(run_seconds, 1e-9)
    low = (saved_seconds if low_seconds is None else low_seconds) / run
    high = ((saved_seconds if high_seconds is None else high_seconds) + besides[1]) / run
    share = _within_a_run((saved_seconds + besides[0]) / run)
    law = 1.28 * relative_error * max(share, 0.15)
    noise = math.hypot(law, 1.28 * _RUN_NOISE * (1.0 - share))
    low, high = min(low, share), max(high, share)
    # Noise between runs may hide a saving, but does not undo one that the law is sure of.
    surely = _within_a_run(max(low - noise, 0.5 * (low - law)))
    within = None if step_share is not None and step_share > 1.0 else step_share
    seconds = share * max(run_seconds, 0.0)
    return Gain(share, surely, _within_a_run(high + noise), seconds, method, basis, within, confidence, ceiling)


def _within_a_run(share: float) -> float:
    return min(max(share, 0.0), _MOST)
