"""How long requests take that come at given times and wait for one of several places. Pure; times in seconds."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def in_turn(arrivals: Floats, work: Floats, places: int) -> Floats:
    """Each request keeps one place for its work; the others wait in the order in which they came."""
    free = [0.0] * places
    took = np.empty(len(arrivals))
    for number, (at, lasts) in enumerate(zip(arrivals.tolist(), work.tolist(), strict=True)):
        end = max(at, free[0]) + lasts
        heapq.heapreplace(free, end)
        took[number] = end - at
    return took


def side_by_side(arrivals: Floats, work: Floats, places: float) -> Floats:
    """All requests are worked on at once, each at most at the pace of one place: threads that share cores."""
    took = np.empty(len(arrivals))
    inside: list[tuple[float, int]] = []  # (what will have been done for each when this one ends, its number)
    now = done = 0.0

    def until(end: float) -> None:
        nonlocal now, done
        while inside:
            pace = min(1.0, places / len(inside))
            lasts = (inside[0][0] - done) / pace
            if now + lasts > end:
                done += (end - now) * pace
                break
            now, done = now + lasts, inside[0][0]
            number = heapq.heappop(inside)[1]
            took[number] = now - arrivals[number]
        now = end

    for number, at in enumerate(arrivals.tolist()):
        until(at)
        heapq.heappush(inside, (done + float(work[number]), number))
    until(np.inf)
    return took


def in_batches(arrivals: Floats, first: float, further: float, rows: int) -> Floats:
    """One place takes up to ``rows`` of those who wait, for ``first`` seconds and ``further`` for each one more."""
    took = np.empty(len(arrivals))
    begin, free = 0, 0.0
    while begin < len(arrivals):
        start = max(free, float(arrivals[begin]))
        end = min(begin + rows, int(np.searchsorted(arrivals, start, side="right")))
        free = start + first + further * (end - begin - 1)
        took[begin:end] = free - arrivals[begin:end]
        begin = end
    return took
