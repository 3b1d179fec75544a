"""How much of the main loop's batches is padding, and how a step's work grows with padded length. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...recording.facts import Batch, OneLengthLine, PaddingLine
from ...recording.model import Recording, Site
from .. import Absent, Missing
from ..run.host import theil_sen
from .steps import Floats, Steps

Ints = npt.NDArray[np.int64]
_ROUNDS = 200
_MIN_PAIRS = 8  # pairs of batch and step: fewer correlate by chance
_FOLLOWS, _CLEARLY = 0.5, 0.3  # least correlation with the next step, and its least margin over the own step
_PAIRS = 60  # batches paired at most: the slope is a median over all pairs


@dataclass(frozen=True)
class Padding:
    """Sampled batches of the main loop, without warm-up. ``rows``, ``width``: shape of each; ``work_seconds``: work of
    its step, or of the step after that if the loop fetches one batch ahead.

    ``lengths``: of single rows, over all batches; ``longest``: row of each batch, expected from all lengths where not
    all of its rows were looked at; ``waste_share``: share of all positions that are padding; ``site``: the line that
    pads to a fixed length, if there is one; ``one_length``: a layer takes no other.
    """

    rows: Ints
    width: Ints
    work_seconds: Floats
    lengths: Ints
    longest: Ints
    waste_share: float
    site: Site | None = None
    one_length: bool = False

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def positions(self) -> Floats:
        return (self.rows * self.width).astype(float)

    @property
    def spread(self) -> float:
        """How much the padded length varies between batches: relative standard deviation."""
        return float(self.width.std() / max(self.width.mean(), 1e-9))

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Padding:
        batches = recording.facts.of_process(Batch, steps.process)
        notes = [fact for fact in batches if fact.loader == steps.loader]
        if not notes:
            raise Absent("No batches of token sequences were recorded.")
        at = {int(start): index for index, start in enumerate(steps.start_ns.tolist())}
        work = steps.work()
        known = [(at[fact.time_ns], fact) for fact in notes if fact.time_ns in at]
        if not known:
            raise Missing("No batches of token sequences were recorded after warm-up.")
        if _one_ahead(known, work):
            known = [(index + 1, fact) for index, fact in known if index + 1 < len(work)]
        rows = np.array([fact.rows for _, fact in known], "i8")
        width = np.array([fact.width for _, fact in known], "i8")
        used = np.array([np.mean(fact.lengths or [fact.width]) for _, fact in known])
        lengths = np.array([length for _, fact in known for length in fact.lengths], "i8")
        ordered = np.sort(lengths)
        longest = np.array([_longest(fact, ordered) for _, fact in known], "i8")
        waste = 1.0 - float((rows * used).sum()) / max(float((rows * width).sum()), 1.0)
        site = next((fact.place for _, fact in recording.facts.of(PaddingLine)), None)
        one_length = bool(recording.facts.of(OneLengthLine))
        work = work[[index for index, _ in known]]
        return cls(rows, width, work, lengths, longest, max(0.0, waste), site, one_length)

    def bucketed(self, batches: int) -> Floats:
        """Padded lengths if this many batches' worth of samples are sorted by length before batching."""
        rows = int(np.median(self.rows))
        shuffled = np.random.default_rng(7).permutation(self.lengths)
        widths = []
        for start in range(0, len(shuffled), rows * batches):
            ordered = np.sort(shuffled[start : start + rows * batches])
            widths += [int(ordered[at : at + rows].max()) for at in range(0, len(ordered) - rows + 1, rows)]
        return np.array(widths or self.width, float)

    def exponent(self) -> tuple[float, float, float]:
        """(p in work ~ positions^p over the sampled steps, its P10, its P90): 1 is proportional, 2 is how attention
        grows."""
        some = np.linspace(0, self.count - 1, min(self.count, _PAIRS)).astype(int)
        positions, work = np.log(self.positions[some]), np.log(np.maximum(self.work_seconds[some], 1e-9))
        random = np.random.default_rng(7)
        draws = [
            slope_of(positions[chosen], work[chosen])
            for chosen in (random.integers(0, len(some), len(some)) for _ in range(_ROUNDS))
        ]
        low, high = np.percentile(draws, [10, 90])
        return slope_of(positions, work), float(low), float(high)


def _longest(fact: Batch, ordered: Ints) -> int:
    """The longest row of a batch; where only some were looked at, no less than the mean of the longest of as many drawn
    from the lengths of all batches."""
    seen = max(fact.lengths or [fact.width])
    if fact.rows <= len(fact.lengths) or not len(ordered):
        return seen
    below = (np.arange(len(ordered) + 1) / len(ordered)) ** fact.rows  # chance that all are among the shortest
    return max(seen, round(float((ordered * np.diff(below)).sum())))


def _one_ahead(known: list[tuple[int, Batch]], work: Floats) -> bool:
    """Whether a step's work follows the size of the batch fetched before its own, as in accelerate."""
    pairs = [(index, fact.rows * fact.width) for index, fact in known if index + 1 < len(work)]
    if len(pairs) < _MIN_PAIRS:
        return False
    index, positions = np.array(pairs).T
    follows, own = (_correlation(positions.astype(float), work[index + lag]) for lag in (1, 0))
    return follows > max(_FOLLOWS, own + _CLEARLY)


def _correlation(x: Floats, y: Floats) -> float:
    """Rank correlation, so that a few disturbed steps do not weigh more."""
    a, b = (np.argsort(np.argsort(values)).astype(float) for values in (x, y))
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread and np.ptp(x) else 0.0


def slope_of(x: Floats, y: Floats) -> float:
    """``theil_sen`` of points in any order; a few disturbed steps do not change it."""
    order = np.argsort(x)
    return theil_sen(x[order], y[order])[0]


def saved_share(width: Floats, bucketed: Floats, exponent: float) -> float:
    """Share of the work that is saved when lengths become ``bucketed``, for work ~ length^exponent.

    Below 1, part of the work does not depend on the length; a line through the mean with this slope is used then.
    """
    if exponent <= 1:
        return max(0.0, exponent) * max(0.0, 1 - float(bucketed.mean() / width.mean()))
    return max(0.0, 1 - float((bucketed**exponent).mean() / (width**exponent).mean()))
