"""The laws that price a fix, from terms measured in the run; ranges by block bootstrap. Pure.

Sources: signatures.md 0 (three general laws) and DESIGN 7 (cores capped by those idle during the run).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .findings import Basis, Gain

Floats = npt.NDArray[np.float64]
QUEUE_SECONDS = 0.0008  # per batch through a worker queue: pickling, pipe and wake-up (own measurement)
_BLOCKS = 20
_ROUNDS = 200
_MODEL_ERROR = 0.10  # relative error of the laws on real loaders at one sigma, beside the sampling error
_MAX_HALF_WIDTH = 0.12


@dataclass(frozen=True)
class LoaderTerms:
    """Terms of the pipeline law, seconds per step: C work, L load and its CPU part, idle cores of the run."""

    work: float
    load: float
    load_cpu: float
    work_cpu: float
    cores: float


def step_with_workers(terms: LoaderTerms, workers: int, queue_seconds: float = QUEUE_SECONDS) -> float:
    """T' = max(C, L/n, (Lcpu + Ccpu)/cores) + queue; n = 0: C + L. Seconds per step."""
    if workers <= 0:
        return terms.work + terms.load
    cpu_bound = (terms.load_cpu + terms.work_cpu) / max(terms.cores, 1.0)
    return max(terms.work + queue_seconds, terms.load / workers, cpu_bound)


def best_workers(terms: LoaderTerms, most: int) -> int:
    """n*: the smallest n after which one more worker lowers T' by less than 3 %."""
    for workers in range(1, most):
        now, more = step_with_workers(terms, workers), step_with_workers(terms, workers + 1)
        further = step_with_workers(terms, min(most, workers * 2))
        if now - more < 0.03 * now and now - further < 0.03 * now:
            return workers
    return max(1, most)


def block_bootstrap(
    columns: tuple[Floats, ...], statistic: Callable[..., float], seed: int = 7
) -> tuple[float, float, float]:
    """(value, P10, P90) of ``statistic(*columns)`` when blocks of consecutive steps are drawn anew."""
    count = len(columns[0])
    value = statistic(*columns)
    if count < 8:
        return value, value, value
    size = max(1, count // _BLOCKS)
    starts = np.arange(0, count - size + 1)
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(_ROUNDS):
        chosen = random.choice(starts, size=max(1, count // size))
        index = (chosen[:, None] + np.arange(size)[None, :]).ravel()
        draws.append(statistic(*(column[index] for column in columns)))
    low, high = np.percentile(draws, [10, 90])
    return value, float(low), float(high)


def gain(
    saved_seconds: float,
    run_seconds: float,
    method: str,
    *,
    low_seconds: float | None = None,
    high_seconds: float | None = None,
    step_share: float | None = None,
    relative_error: float = _MODEL_ERROR,
    confidence: float = 0.8,
    basis: Basis = "run",
) -> Gain:
    """A Gain from seconds saved in this run; the range is widened by the law's own error, at most 24 points wide."""
    share = saved_seconds / max(run_seconds, 1e-9)
    low = (saved_seconds if low_seconds is None else low_seconds) / max(run_seconds, 1e-9)
    high = (saved_seconds if high_seconds is None else high_seconds) / max(run_seconds, 1e-9)
    # What remains, not what is saved, is what the law can get wrong; both ends stay believable shares.
    margin = 1.28 * relative_error * max(share, 0.15)
    low, high = min(low, share) - margin, max(high, share) + margin
    low, high = max(low, share - _MAX_HALF_WIDTH, 0.0), min(high, share + _MAX_HALF_WIDTH, 0.99)
    return Gain(share, low, high, saved_seconds, method, basis, step_share, confidence)
