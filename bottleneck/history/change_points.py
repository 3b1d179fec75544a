"""Where the level of a series changes: E-divisive, with a permutation test. Pure.

After Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate data" (2014).
Nothing is assumed of the noise but that runs do not depend on each other.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

LEVEL = 0.01  # the share of series without any change in which one is found
ENOUGH = 11  # values: of fewer, one permutation in a hundred separates high from low by chance
LEAST = 2  # values on each side of a change: one may be an accident
_PERMUTATIONS = 499

Floats = npt.NDArray[np.float64]


def change_points(values: Floats, level: float = LEVEL) -> list[int]:
    """Indexes at which the values begin to lie elsewhere, in order; the same for the same values.

    The split with the largest energy distance between both sides is a change if at most ``level`` of the permutations
    of the values reach that distance; then both sides are searched the same way.
    """
    if len(values) < ENOUGH:
        return []
    random = np.random.default_rng(0)
    distances = np.abs(values[:, None] - values[None, :])
    edges, found = [0, len(values)], list[int]()
    while True:
        largest, at = max(_split(distances[a:b, a:b], a) for a, b in pairwise(edges))
        if largest <= 0.0 or not _exceptional(distances, edges, largest, level, random):
            return sorted(found)
        found.append(at)
        edges = sorted({*edges, at})


def _split(distances: Floats, begin: int) -> tuple[float, int]:
    """(the largest distance between both sides of a split, its index) in a stretch that begins at ``begin``.

    The values behind the split may end before the stretch does, so that a level which returns is found as well.
    """
    count = len(distances)
    if count < 2 * LEAST:
        return 0.0, begin
    sums = np.zeros((count + 1, count + 1))
    sums[1:, 1:] = distances.cumsum(axis=0).cumsum(axis=1)
    ends = np.arange(count + 1)
    before, after = ends[:, None], ends[None, :] - ends[:, None]  # values up to a split, and from there to each end
    within = np.diagonal(sums)
    left = within[:, None]
    between = sums - left
    right = within[None, :] - left - 2 * between
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = 2 * between / (before * after) - left / (before * (before - 1)) - right / (after * (after - 1))
        apart *= before * after / (before + after)
    apart[(before < LEAST) | (after < LEAST)] = 0.0
    place = int(np.argmax(apart))
    return float(apart.flat[place]), begin + place // (count + 1)


def _exceptional(
    distances: Floats, edges: list[int], largest: float, level: float, random: np.random.Generator
) -> bool:
    """Whether few permutations within the stretches have a split as large anywhere."""
    allowed = int(level * (_PERMUTATIONS + 1)) - 1
    least = largest * (1 - 1e-9)  # sums of the same numbers in another order
    for _ in range(_PERMUTATIONS):
        for a, b in pairwise(edges):
            order = a + random.permutation(b - a)
            if _split(distances[np.ix_(order, order)], a)[0] >= least:
                allowed -= 1
                break
        if allowed < 0:
            return False
    return True
