"""What pairs of runs prove: slower, faster, the same, or nothing. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ..comparison.compare import SAME_WITHIN, Between
from ..comparison.model import Answer
from ..comparison.statistics import Interval, change_in_pairs, student_t


@dataclass(frozen=True)
class Verdict:
    """``change``: of the new version, relative, with its 95 % interval; None with fewer than two pairs.

    ``noise``: the change that a version compared with itself would stay below, in 95 of 100 comparisons of so many
    pairs. ``run_noise``: the standard deviation between runs of one version, as a share. ``within``: the smallest
    change that counts.
    """

    answer: Answer
    change: Interval | None
    noise: float
    run_noise: float
    pairs: int
    within: float

    @property
    def limit(self) -> float:
        """A change below it is never called slower or faster."""
        return max(self.within, self.noise)

    @property
    def not_slower(self) -> bool:
        """Whether a slow-down of ``within`` can be ruled out."""
        return self.change is not None and self.change.high < self.within

    @property
    def settled(self) -> bool:
        """Whether more pairs are not needed. Where runs differ much, an early answer would be luck, unless the whole
        interval is beyond what counts."""
        if self.change is not None and max(self.change.low, -self.change.high) > self.limit:
            return True
        return self.noise <= self.within and (self.answer != "cannot tell" or self.not_slower)


def verdict(
    old: Sequence[float], new: Sequence[float], within: float = SAME_WITHIN, between: Between = change_in_pairs
) -> Verdict:
    """Judge one positive value a run, ``old[i]`` and ``new[i]`` of one pair; more is slower.

    ``between``: ``change_between`` if the runs are no pairs, and each side may have another number of them.
    """
    runs = min(len(old), len(new))
    change = between(old, new)
    if change is None:
        return Verdict("cannot tell", None, math.inf, math.inf, runs, within)
    sides = [[math.log(value) for value in side] for side in (old, new)]
    freedom = len(old) + len(new) - 2
    spread = math.sqrt(sum(statistics.variance(side) * (len(side) - 1) for side in sides) / freedom)
    noise = math.expm1(student_t(freedom) * spread * math.sqrt(1 / len(old) + 1 / len(new)))
    limit = max(within, noise)
    answer: Answer = "cannot tell"
    if change.excludes_zero and change.value >= limit:
        answer = "slower"
    elif change.excludes_zero and change.value <= -limit:
        answer = "faster"
    elif -within < change.low and change.high < within:
        answer = "same"
    return Verdict(answer, change, noise, math.expm1(spread), runs, within)
