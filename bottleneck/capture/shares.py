"""Time per phase of a process that still runs, from the totals that its rings keep. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import signals
from .stretches import LEFT_OUT

#: (phase, enclosing phase) -> (count, inclusive nanoseconds), as in a ring.
Cells = Mapping[tuple[int, int], tuple[int, int]]


def cells_of(ring: Any) -> Cells:
    """The cells of a ring that count anything, from its bytes up to the histogram or from all of them."""
    cells = np.frombuffer(ring, "u8", signals.PHASE_COUNT**2 * 2, signals.TOTALS_AT).reshape(-1, 2)
    return {
        divmod(int(cell), signals.PHASE_COUNT): (int(cells[cell, 0]), int(cells[cell, 1]))
        for cell in np.flatnonzero(cells[:, 0])
    }


class Spent(NamedTuple):
    """``seconds``: exclusive, by phase number, estimated for the steps that were not recorded in full.

    ``steps``: optimizer steps; None if there were none.
    """

    seconds: dict[int, float]
    steps: int | None

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())


def spent(cells: Cells) -> Spent:
    """What one thread has spent in each phase that has ended."""
    seconds: dict[int, float] = {}
    full = skipped = 0
    for (phase, outer), (count, ns) in cells.items():
        if (phase, outer) == (signals.NONE, signals.IMPORT):
            skipped = count  # steps that were not recorded in full
            continue
        seconds[phase] = seconds.get(phase, 0.0) + ns / 1e9
        seconds[outer] = seconds.get(outer, 0.0) - ns / 1e9
        if phase == signals.OPTIMIZER:
            full += count
    seconds.pop(signals.NONE, None)
    times = 1.0 + skipped / full if full else 1.0  # as many steps as one that was recorded stands for
    exclusive = {phase: max(0.0, value) * (times if phase in LEFT_OUT else 1.0) for phase, value in seconds.items()}
    return Spent(exclusive, round(full * times) if full else None)


def since(before: Cells, after: Cells) -> Cells:
    """What was added between two looks at the same ring."""
    old = {key: before.get(key, (0, 0)) for key in after}
    return {key: (count - old[key][0], ns - old[key][1]) for key, (count, ns) in after.items()}
