"""The ranks of one training beside each other: what each does in a step, and for which one the others wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import Missing
from .steps import Floats, Steps, meeting
from .tables import Recording

_SAME_LENGTH = 0.9  # of the longest rank's steps: fewer, and the loops are not the same one


@dataclass(frozen=True)
class Ranks:
    """Steps of all ranks, aligned by number, warm-up left out. Arrays have one row a rank and one column a step.

    ``own``: seconds of a rank's own work. Ranks meet in the backward pass or in collectives that the program calls, so
    that one that is early waits there; its own part is taken to be that of the latest rank, of the backward times the
    ratio of their forwards. ``waits``: how much longer both took than that. ``late``: the row that the others wait for.
    """

    numbers: tuple[int, ...]
    own: Floats
    waits: Floats
    input: Floats  # seconds of the own work in data wait and start of the loader
    late: int

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Ranks:
        rows = steps.rank_rows
        if len(rows) < 2:
            raise Missing("The run has one rank.")
        counts = [len(table["t0"]) for table in rows.values()]
        count = min(counts) - int(steps.warm.sum())
        if min(counts) < _SAME_LENGTH * max(counts) or count < 1:
            raise Missing("The ranks do not take the same steps.")
        # From the end: whatever a rank did before the first common step is at its beginning.
        tables = [{name: column[-count:] for name, column in table.items()} for table in rows.values()]
        wall = np.array([(table["t1"] - table["t0"]) / 1e9 for table in tables])
        forward, backward, sync, waiting, starting = (
            np.array([table[name] / 1e6 for table in tables])
            for name in ("forward", "backward", "sync", "data_wait", "loader_start")
        )
        met = np.array([meeting(table) for table in tables])
        late = int(np.argmin(met.mean(axis=1)))
        ratio = np.minimum(forward.mean(axis=1) / max(float(forward[late].mean()), 1e-9), 1.0)
        mine = np.minimum(backward, backward[late] * ratio[:, None]) + np.minimum(sync, sync[late])
        numbers = tuple(recording.facts.processes[process].rank or 0 for process in rows)
        return cls(numbers, wall - met + mine, met - mine, waiting + starting, late)
