"""Whether the fix changes what is learned: the losses of both arms, compared with those of runs of one arm. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_LEAST = 10  # losses: fewer say nothing
_ROUNDED = 1e-4  # relative: another order of additions changes as much

Run = Sequence[float]


@dataclass(frozen=True)
class Losses:
    """``old``, ``new``: mean loss of so many ``steps`` at the end, over the runs of an arm.

    ``spread``: how far a run of one arm lies from its arm's mean, at most, as a share of it; 0: runs repeat exactly.
    ``chance``: twice the standard error of the mean of so many losses, as a share: with equal seeds, a fix that draws
    one random number less gives other losses of the same kind.
    """

    old: float
    new: float
    steps: int
    spread: float
    chance: float = 0.0

    @property
    def change(self) -> float:
        return (self.new - self.old) / abs(self.old) if self.old else 0.0

    @property
    def differ(self) -> bool:
        """Whether the arms differ by more than their runs do, and by more than their losses let expect."""
        return abs(self.change) > max(self.spread, self.chance, _ROUNDED)


def compare(old: Sequence[Run], new: Sequence[Run], steps: int) -> Losses | None:
    """Of runs with equally many losses, the first ``steps`` of each (0: all); None where there is too little to say."""
    runs = [*old, *new]
    count = min((len(run) for run in runs), default=0)
    count = min(count, steps) if steps else count
    if count < _LEAST or not old or not new:
        return None
    last = max(_LEAST, count // 4)
    means = [[statistics.fmean(run[count - last : count]) for run in side] for side in (old, new)]
    if not all(math.isfinite(mean) for side in means for mean in side):
        return None
    middles = [statistics.fmean(side) for side in means]
    spread = max(
        abs(mean - middle) / abs(middle) if middle else 0.0
        for side, middle in zip(means, middles, strict=True)
        for mean in side
    )
    error = max(statistics.stdev(run[count - last : count]) for run in runs) / math.sqrt(last)
    chance = 2 * math.sqrt(2) * error / abs(middles[0]) if middles[0] else 0.0
    return Losses(middles[0], middles[1], last, spread, chance)
