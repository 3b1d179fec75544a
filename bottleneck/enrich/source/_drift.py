"""Whether a line takes a growing share of its loop, from the samples of the loop's lines."""

from __future__ import annotations

import numpy as np

from ...artifacts.run.user_lines import UserLine

_WINDOWS = 10  # equal parts of the loop's sampled time
_MIN_SAMPLES = 10  # mean number of samples per window
_MOSTLY_RISES = 0.5  # least rank correlation (Kendall): 34 of the 45 pairs of windows rise
_GROWS = 2.0  # odds of the line against the other lines, last third over first third


def grows(line: UserLine, inside: list[UserLine]) -> bool:
    """Whether the line's share of the time in ``inside``, the lines of its loop, rises steadily and clearly.

    A line that has nearly all of the time from the start shows nothing.
    """
    process = int(np.bincount(line.rows["process"]).argmax())
    rows = np.concatenate([each.rows for each in inside])
    mine = np.concatenate([np.full(len(each.rows), each is line) for each in inside])
    order = np.argsort(rows["t0"], kind="stable")
    order = order[rows["process"][order] == process]
    if len(order) < _WINDOWS * _MIN_SAMPLES:
        return False
    spent, mine = (rows["t1"] - rows["t0"])[order].astype(float), mine[order]
    window = np.minimum((np.cumsum(spent) / max(spent.sum(), 1.0) * _WINDOWS).astype(int), _WINDOWS - 1)
    whole = np.bincount(window, weights=spent, minlength=_WINDOWS)
    share = np.bincount(window, weights=spent * mine, minlength=_WINDOWS) / np.maximum(whole, 1.0)
    first, second = np.triu_indices(_WINDOWS, 1)
    tau = float(np.sign(share[second] - share[first]).mean())
    return tau >= _MOSTLY_RISES and _odds(share[-3:]) >= _GROWS * _odds(share[:3])


def _odds(share: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    mean = min(max(float(share.mean()), 0.01), 0.99)
    return mean / (1.0 - mean)
