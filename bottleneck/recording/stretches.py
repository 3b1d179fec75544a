"""Steps of a fast loop that were not recorded in full: a stretch of them is one stored row, and many rows in memory."""

from __future__ import annotations

import numpy as np

from .model import STEP_PHASES, Table, empty_steps

#: Column of stored rows: 0 for a step recorded in full, else the steps that the row stands for. Old recordings lack it.
ESTIMATED = "estimated"


def empty_rows() -> Table:
    """No stored step rows: an empty table with the columns of those in memory and ``ESTIMATED``."""
    return {**empty_steps(), ESTIMATED: np.empty(0, "i4")}


def expanded(rows: Table) -> tuple[Table, int]:
    """(one row per step, how many of them were recorded in full). A stretch gives steps of equal length.

    Takes ``rows`` apart column by column: a long run's table is large.
    """
    repeats = rows.pop(ESTIMATED).astype("i8")
    full = int((repeats == 0).sum())
    if full == len(repeats):
        return rows, full
    repeats = np.maximum(repeats, 1)
    row = np.repeat(np.arange(len(repeats)), repeats)
    place = np.arange(len(row)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    of = repeats[row]
    found: Table = {}
    t0 = rows.pop("t0")
    length = (rows.pop("t1") - t0)[row]
    found["t0"] = t0[row] + length * place // of
    found["t1"] = t0[row] + length * (place + 1) // of
    for name in STEP_PHASES:
        whole = rows.pop(name).astype("i8")[row]
        found[name] = (whole * (place + 1) // of - whole * place // of).astype("i4")
    for name in list(rows):
        found[name] = rows.pop(name)[row]
    return {name: found[name] for name in empty_steps()}, full
