"""The stretches of a load test that say what limits the server: those at the highest rate that it still took. Pure."""

from __future__ import annotations

import numpy as np

from .samples import OK, Samples

_NEAR = 0.15  # of the knee
_SETTLE_NS = 500_000_000  # from one rate to another


def at_the_limit(samples: Samples, knee: float | None) -> tuple[list[tuple[int, int]], float]:
    """Intervals (monotonic ns) near the knee, or else at the highest rate; the good responses per second in them."""
    if not len(samples):
        return [], 0.0
    rates = samples["rate"]
    wanted = np.abs(rates / knee - 1) <= _NEAR if knee else rates == rates.max()
    edges = np.flatnonzero(np.diff(rates) != 0) + 1
    windows = []
    for part in np.split(np.arange(len(samples)), edges):
        if wanted[part[0]]:
            begin, end = int(samples["planned"][part[0]]), int(samples["planned"][part[-1]])
            if len(edges):
                begin += _SETTLE_NS
            if end > begin:
                windows.append((begin, end))
    ended = np.sort(samples["end"][(samples["outcome"] == OK) & (samples["status"] < 400)])
    done = sum(int(np.searchsorted(ended, end) - np.searchsorted(ended, begin)) for begin, end in windows)
    seconds = sum(end - begin for begin, end in windows) / 1e9
    return windows, done / seconds if seconds else 0.0
