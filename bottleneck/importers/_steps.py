"""Steps of a trace that does not mark them: what somebody named again and again, or a sequence of kernels that repeats.

Both give steps from one beginning to the next; what lies before the first and behind the last is in none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..recording.model import DEVICE_KINDS, Table

Integers = npt.NDArray[np.int64]
Spans = npt.NDArray[np.int64]  # (n, 2): begin and end in ns

NO_STEPS = (
    "The trace marks no steps, and none were found: no range or sequence of kernels in it repeats often enough. "
    "With torch.profiler, call profiler.step() after each step."
)
_LEAST = 3  # repetitions: two may be chance
_COVERED = 0.5  # of the trace: what repeats in less of it is a part of a step or an evaluation
_NUMBERED = re.compile(r"[\d#(\[{:=].*", re.DOTALL)
_ALIKE = 0.95  # of the kernels are the same one period later
_RARER = 0.2  # of the different kernels may come less often than once a step: more mean that it is a part of a step
_TRIED = 8  # kernels, the rarest first
_NONE: Spans = np.empty((0, 2), np.int64)


def between(begins: Integers) -> Spans:
    """From each beginning to the next."""
    return np.column_stack([begins[:-1], begins[1:]]).astype(np.int64)


def from_ranges(names: Sequence[str], lanes: Integers, begins: Integers, ends: Integers, length: int) -> Spans:
    """Steps that begin with ranges which have the same name but for its number, follow each other on one thread, and
    cover most of the trace, which takes ``length`` ns; of several, those that cover most. ``names``: of each range."""
    kinds, found, best = [_NUMBERED.sub("", name).strip() for name in names], _NONE, _COVERED * length
    keys = np.array([hash((kind, lane)) for kind, lane in zip(kinds, lanes.tolist(), strict=True)], np.int64)
    for key in np.unique(keys):
        rows = np.flatnonzero(keys == key)
        rows = rows[np.argsort(begins[rows], kind="stable")]
        covered = int((ends[rows] - begins[rows]).sum())
        apart = len(rows) >= _LEAST and bool((begins[rows][1:] >= ends[rows][:-1]).all())
        if apart and kinds[rows[0]] and covered > best:
            found, best = between(begins[rows]), covered
    return found


def from_kernels(table: Table) -> Spans:
    """Steps that begin with a kernel of the sequence that repeats, on the device that has most of them."""
    kernels = np.flatnonzero(table["kind"] == DEVICE_KINDS.index("kernel"))
    if not len(kernels):
        return _NONE
    devices, counts = np.unique(table["device"][kernels], return_counts=True)
    kernels = kernels[table["device"][kernels] == devices[np.argmax(counts)]]
    kernels = kernels[np.argsort(table["t0"][kernels], kind="stable")]
    names = table["name"][kernels]
    different, counts = np.unique(names, return_counts=True)
    often = np.sort(counts[counts >= _LEAST])
    for count in np.unique(often)[:_TRIED]:
        if (counts < count).mean() > _RARER:
            break
        for name in different[counts == count][:_TRIED]:
            at = np.flatnonzero(names == name)
            period = int(np.median(np.diff(at)))
            alike = names[:-period] == names[period:]
            if period > 1 and len(alike) and alike.mean() >= _ALIKE and at[-1] - at[0] >= _COVERED * len(names):
                return between(table["t0"][kernels[_once_a_period(names, different[counts // 2 <= count], period)]])
    return _NONE


def _once_a_period(names: Integers, different: Integers, period: int) -> Integers:
    """Where the kernel is that most often comes again just one period later."""
    places = (np.flatnonzero(names == name) for name in different)
    once = [at for at in places if len(at) > 1 and np.median(np.diff(at)) == period]
    return max(once, key=lambda at: int((np.diff(at) == period).sum()))
