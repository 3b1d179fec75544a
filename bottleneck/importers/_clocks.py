"""One clock for the ranks of a job: that of their files, corrected where their collectives say that it differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..recording.model import DEVICE_KINDS

if TYPE_CHECKING:
    from ._ranks import Rank

_APART_NS = 60_000_000_000  # traces that begin further apart are not of one clock
_SKEW_NS = 200_000  # the same collective ends within some 30 us on all ranks of one host
_STEADY = 4  # times larger than its spread must an offset be
_LEAST = 3  # collectives


def shifts(ranks: Sequence[Rank]) -> tuple[list[int], list[str]]:
    """(what to add to the times of each rank, so that the earliest begins at 0; notes on what was corrected)."""
    first = min(one.begin for one in ranks)
    one_clock = max(one.begin for one in ranks) - first < _APART_NS
    found = [one.begin - first if one_clock else 0 for one in ranks]
    corrections = [_offset(ranks[0], found[0], one, shift) for one, shift in zip(ranks, found, strict=True)]
    found = [shift + more for shift, more in zip(found, corrections, strict=True)]
    moved = [more for more in corrections if more]
    notes = []
    if moved:
        largest = max(map(abs, moved)) / 1e6
        clocks = "The clock of one rank was" if len(moved) == 1 else f"The clocks of {len(moved)} ranks were"
        notes.append(f"{clocks} set by the collectives that end on all ranks at once, by up to {largest:.1f} ms.")
    earliest = min(found)
    return [shift - earliest for shift in found], notes


def _offset(first: Rank, first_shift: int, other: Rank, shift: int) -> int:
    """What the other rank's clock lacks to that of the first, if both took part in the same collectives; else 0."""
    (names, ends), (other_names, other_ends) = _collectives(first), _collectives(other)
    if len(names) < _LEAST or names != other_names:
        return 0
    differences = (ends + first_shift) - (other_ends + shift)
    offset = float(np.median(differences))
    spread = float(np.median(np.abs(differences - offset)))
    return round(offset) if abs(offset) > max(_SKEW_NS, _STEADY * spread) else 0


def _collectives(rank: Rank) -> tuple[list[str], np.ndarray]:
    """Names and ends of its collectives, in the order of their ends."""
    rows = np.flatnonzero(rank.device["kind"] == DEVICE_KINDS.index("collective"))
    rows = rows[np.argsort(rank.device["t1"][rows], kind="stable")]
    return [rank.names[name] for name in rank.device["name"][rows].tolist()], rank.device["t1"][rows]
