"""What pairs of runs prove: slower, faster, the same, or nothing. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ..comparison.compare import SAME_WITHIN, Between
from ..comparison.model import Answer
from ..comparison.statistics import Interval, change_in_pairs, student_t

#: From the 97.5 % quantile of Student's t to that of 98.5 %, for 8 and more degrees of freedom. In 20,000 simulated
#: comparisons, of 10 pairs of runs that differ by 5 %, 0.8 % call a version slower than itself, and 95.2 % find 10 %.
_STRICTER = 1.125


@dataclass(frozen=True)
class Verdict:
    """``change``: of the new version, relative, with its 95 % interval; None with fewer than two pairs.

    ``noise``: the change that one comparison in 70 of a version with itself exceeds, with so many pairs.
    ``run_noise``: the standard deviation between runs of one version, as a share. ``within``: the smallest change that
    counts.
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
        """Whether more pairs are not needed.

        Who looks after every pair must ask for more than at the end: of a change, that its whole interval is beyond
        the limit; of "the same", that runs do not differ much.
        """
        if self.change is not None and max(self.change.low, -self.change.high) > self.limit:
            return True
        return self.noise <= self.within and (self.answer == "same" or (self.not_slower and self.answer != "faster"))


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
    noise = math.expm1(_STRICTER * student_t(freedom) * spread * math.sqrt(1 / len(old) + 1 / len(new)))
    limit = max(within, noise)
    answer: Answer = "cannot tell"
    if change.excludes_zero and change.value >= limit:
        answer = "slower"
    elif change.excludes_zero and change.value <= -limit:
        answer = "faster"
    elif -within < change.low and change.high < within:
        answer = "same"
    return Verdict(answer, change, noise, math.expm1(spread), runs, within)
