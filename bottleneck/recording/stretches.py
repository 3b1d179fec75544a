"""Steps of a fast loop that were not recorded in full: a stretch of them is one stored row, and many rows in memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .model import STEP_PHASES, Table, empty_steps

#: Column of stored rows: 0 for a step recorded in full, else the steps that the row stands for. Old recordings lack it.
ESTIMATED = "estimated"
_BLOCK_ROWS = 1 << 12

Ints = npt.NDArray[np.int64]


def empty_rows() -> Table:
    """No stored step rows: an empty table with the columns of those in memory and ``ESTIMATED``."""
    return {**empty_steps(), ESTIMATED: np.empty(0, "i4")}


def expanded(rows: Table) -> tuple[Table, int]:
    """(one row per step, how many of them were recorded in full). A stretch gives steps of equal length.

    Takes ``rows`` over. Works block by block: in a long run, a column is large, and so is what it takes to make one.
    """
    repeats = rows.pop(ESTIMATED).astype("i8")
    full = int((repeats == 0).sum())
    if full == len(repeats):
        return rows, full
    steps = np.maximum(repeats, 1)
    ends = np.cumsum(steps)
    # Most phases are in no step at all: zeros that nobody writes take no memory.
    found: Table = {name: np.zeros(ends[-1], column.dtype) for name, column in empty_steps().items()}
    for at in range(0, len(steps), _BLOCK_ROWS):
        block = slice(at, at + _BLOCK_ROWS)
        first = int(ends[at] - steps[at])
        made = {name: column[first : int(ends[block][-1])] for name, column in found.items()}
        _expand({name: column[block] for name, column in rows.items()}, steps[block], made)
    return found, full


def _expand(rows: Table, steps: Ints, made: Table) -> None:
    """Fill ``made``, which has ``steps`` rows for each of ``rows``."""
    first = np.cumsum(steps) - steps
    row = np.repeat(np.arange(len(steps)), steps)
    place, of = np.arange(1, len(row) + 1) - first[row], steps[row]
    for name, column in rows.items():
        if name not in (*STEP_PHASES, "t0", "t1"):
            made[name][:] = column[row]
        elif name != "t0" and column.any():
            whole = (column - rows["t0"] if name == "t1" else column).astype("i8")
            passed = whole[row] * place // of  # of the row's whole, when the step ends
            if name == "t1":
                made["t1"][:] = passed + rows["t0"][row]
                made["t0"][1:] = made["t1"][:-1]
                made["t0"][first] = rows["t0"]
            else:
                made[name][1:] = passed[1:] - passed[:-1]
                made[name][first] = passed[first]
