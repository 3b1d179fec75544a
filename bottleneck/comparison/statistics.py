"""Intervals for means: of the steps of one run, which depend on each other, and of runs, which do not. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_BATCHES = 1000
MIN_BATCHES = 20
_MAX_CORRELATION = 0.2  # of neighbouring batch means: above it, their mean would look more exact than it is
#: Student's t, 97.5 %, for 1 to 30 degrees of freedom.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_Z = statistics.NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval, in the same unit."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0.0 or self.high < 0.0


def student_t(freedom: float) -> float:
    """The 97.5 % quantile of Student's t. ``freedom``: at least 1; fractions are rounded down, to the safe side."""
    whole = int(freedom)
    if whole < 1:
        return math.inf
    if whole <= len(_T):
        return _T[whole - 1]
    return _Z + (_Z**3 + _Z) / (4 * whole)  # the first term of the expansion: 0.001 off at 31


def batch_means(values: Floats) -> Floats:
    """Means of consecutive values, so many to a batch that neighbouring batches hardly depend on each other.

    At most ``MAX_BATCHES``, and not fewer than ``MIN_BATCHES`` if there are as many values. Values that are left over
    at the start, less than a batch, are dropped.
    """
    size = max(1, -(-len(values) // MAX_BATCHES))
    while True:
        count = len(values) // size
        means: Floats = values[len(values) - count * size :].reshape(count, size).mean(axis=1)
        if len(values) // (size * 2) < MIN_BATCHES or abs(_correlation(means)) <= _MAX_CORRELATION:
            return means
        size *= 2


def _correlation(values: Floats) -> float:
    """Of each value with the one after it."""
    centred = values - values.mean()
    spread = float((centred**2).sum())
    return float((centred[1:] * centred[:-1]).sum()) / spread if spread > 0 else 0.0


def mean_of_steps(values: Floats) -> Interval | None:
    """The mean of a series within one run; None with fewer than ``MIN_BATCHES`` values.

    It says how well this run's mean is known. Another run of the same program can lie outside.
    """
    if len(values) < MIN_BATCHES:
        return None
    means = batch_means(values)
    half = student_t(len(means) - 1) * float(means.std(ddof=1)) / math.sqrt(len(means))
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half)


def mean_of_runs(values: Sequence[float]) -> Interval:
    """The mean of one value a run; of a single run, the interval is without limits."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Interval(mean, -math.inf, math.inf)
    half = student_t(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def change_between(old: Sequence[float], new: Sequence[float]) -> Interval | None:
    """The relative change from ``old`` to ``new``, one positive value a run; None without two runs on either side.

    Welch's interval on the logarithms: a run counts once, however many steps it has.
    """
    if len(old) < 2 or len(new) < 2 or min(*old, *new) <= 0.0:
        return None
    before, after = ([math.log(value) for value in side] for side in (old, new))
    shift = statistics.fmean(after) - statistics.fmean(before)
    parts = [statistics.variance(side) / len(side) for side in (before, after)]
    if not sum(parts):
        half = 0.0
    else:
        freedom = sum(parts) ** 2 / sum(
            part**2 / (len(side) - 1) for part, side in zip(parts, (before, after), strict=True)
        )
        half = student_t(freedom) * math.sqrt(sum(parts))
    return Interval(*(math.expm1(value) for value in (shift, shift - half, shift + half)))


def change_in_pairs(old: Sequence[float], new: Sequence[float]) -> Interval | None:
    """The relative change of ``new`` against the run of ``old`` that was made beside it; None without two pairs."""
    if len(old) != len(new) or len(old) < 2 or min(*old, *new) <= 0.0:
        return None
    ratios = [math.log(after / before) for before, after in zip(old, new, strict=True)]
    half = student_t(len(ratios) - 1) * statistics.stdev(ratios) / math.sqrt(len(ratios))
    shift = statistics.fmean(ratios)
    return Interval(*(math.expm1(value) for value in (shift, shift - half, shift + half)))
