"""Many intervals of time as one array, so that a step more costs no Python. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Spans = npt.NDArray[np.int64]  # one interval (start, end) in monotonic ns per row


def spans_of(starts: npt.ArrayLike, ends: npt.ArrayLike) -> Spans:
    """Intervals with each column contiguous in memory, as searches need it."""
    spans: Spans = np.array([starts, ends], "i8").T
    return spans


def seconds_of(spans: Spans) -> float:
    """Total seconds of non-overlapping intervals."""
    return float((spans[:, 1] - spans[:, 0]).sum()) / 1e9


def union(parts: list[Spans]) -> Spans:
    """The same time as sorted intervals that neither overlap nor touch."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return spans_of([], [])
    spans = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if not (spans[1:, 0] >= spans[:-1, 0]).all():
        spans = spans[np.argsort(spans[:, 0], kind="stable")]
    latest = np.maximum.accumulate(spans[:, 1])
    apart = spans[1:, 0] > latest[:-1]
    if apart.all():
        return spans
    first = np.flatnonzero(np.append(True, apart))
    return spans_of(spans[first, 0], latest[np.append(first[1:], len(spans)) - 1])


def without(spans: Spans, others: Spans) -> Spans:
    """What of a union of intervals is in none of another one."""
    edges = np.concatenate([spans.ravel(), others.ravel()])
    steps = np.concatenate([np.tile([1, -1], len(spans)), np.tile([-2, 2], len(others))])
    order = np.argsort(edges, kind="stable")
    level = np.cumsum(steps[order])
    found = np.column_stack([edges[order][:-1], edges[order][1:]])[level[:-1] == 1]
    left: Spans = found[found[:, 1] > found[:, 0]]
    return left


def overlap(spans: Spans, others: Spans) -> Floats:
    """Nanoseconds of each interval that are covered by a union of other intervals."""
    if not len(others):
        return np.zeros(len(spans))
    edges = others.ravel().astype(float)
    covered = np.repeat(np.concatenate([[0.0], np.cumsum(others[:, 1] - others[:, 0])]), 2)[1:-1]
    found: Floats = np.interp(spans[:, 1], edges, covered) - np.interp(spans[:, 0], edges, covered)
    return found


def within(times: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> Mask:
    """Which times lie in (start, end] of one of the sorted intervals."""
    if not len(starts):
        return np.zeros(len(times), bool)
    at = np.searchsorted(starts, times, side="left") - 1
    inside: Mask = (at >= 0) & (times <= ends[np.maximum(at, 0)])
    return inside


def gaps(covered: Spans, start: int, end: int) -> Spans:
    """The parts of [start, end] that a union of intervals does not cover."""
    free: Spans = np.empty((2, len(covered) + 1), "i8").T
    free[0, 0], free[-1, 1] = start, end
    free[1:, 0], free[:-1, 1] = covered[:, 1], covered[:, 0]
    free.clip(start, end, out=free)
    lasts = free[:, 1] > free[:, 0]
    return free if lasts.all() else free[lasts]
