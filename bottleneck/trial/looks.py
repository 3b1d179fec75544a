"""What the pairs prove so far, at a few planned looks. Pure.

Whoever looks at every pair, and stops when it suits him, finds a difference between equal programs. So there are three
looks, each may claim a difference only if all pairs agree on its direction and an interval that pays for the number of
looks excludes none: by chance, five pairs of equal programs agree once in sixteen times, and the interval makes that
one time in a hundred.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..comparison.statistics import student_t

Answer = Literal["faster", "slower", "same", "cannot tell"]

LOOKS = (5, 8, 12)  # pairs
_STRICT_T = {5: 5.598, 8: 4.029, 12: 3.106}  # Student's t, two-sided 0.5 %, 0.5 % and 1 %: 2 % over all looks
LEAST_GAIN = 0.02  # a smaller one is not worth a change, and a machine's noise looks like it
_SAME = 0.05  # an interval within it: there is no gain worth speaking of
_WIDEST, _WIDEST_PART = 0.05, 0.25  # of the gain's interval, half of it: points, or part of the gain
_LEAST_HALF = 0.01  # half the interval at least: other steps of the program are not those that were run


@dataclass(frozen=True)
class Obtained:
    """``gain``, ``low``, ``high``: the share that the fix saves, with its 95 % interval; None with less than two pairs.

    ``old_seconds``, ``new_seconds``: means of both arms.
    """

    answer: Answer
    pairs: int
    old_seconds: float
    new_seconds: float
    gain: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def settled(self) -> bool:
        """Whether no further look is needed."""
        if self.gain is None or self.low is None or self.high is None:
            return False
        narrow = (self.high - self.low) / 2 <= max(_WIDEST, abs(self.gain) * _WIDEST_PART)
        return narrow and self.answer != "cannot tell"


def look(old: Sequence[float], new: Sequence[float], within: Sequence[float] = ()) -> Obtained:
    """Judge the pairs ``old[i]``, ``new[i]``: seconds on the basis of the trial, all positive.

    ``within``: relative standard errors of the mean within the runs, which differ between steps that were run and
    those that were not: with equal seeds, all pairs run the same ones.
    """
    seconds = [statistics.fmean(side) if side else math.nan for side in (old, new)]
    pairs = len(old)
    if pairs < 2:
        return Obtained("cannot tell", pairs, *seconds)
    ratios = [math.log(after / before) for before, after in zip(old, new, strict=True)]
    middle = statistics.fmean(ratios)
    between = statistics.stdev(ratios) / math.sqrt(pairs)
    half = math.hypot(student_t(pairs - 1) * between, *(1.96 * error for error in within))
    gain, low, high = (-math.expm1(value) for value in (middle, middle + half, middle - half))
    low, high = min(low, gain - _LEAST_HALF), max(high, gain + _LEAST_HALF)
    strict = next((t for count, t in reversed(_STRICT_T.items()) if pairs >= count), math.inf)
    agree = all(ratio < 0 for ratio in ratios) or all(ratio > 0 for ratio in ratios)
    answer: Answer = "cannot tell"
    if agree and abs(middle) > strict * between and abs(gain) >= LEAST_GAIN and not low <= 0 <= high:
        answer = "faster" if gain > 0 else "slower"
    elif pairs >= LOOKS[0] and low > -_SAME and high < _SAME:
        answer = "same"
    return Obtained(answer, pairs, seconds[0], seconds[1], gain, low, high)
