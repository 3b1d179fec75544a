"""The rows of steps that were not recorded in full, as estimated from the steps around them that were."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .. import signals
from ..recording.model import STEP_PHASES, Records

_PHASES = len(STEP_PHASES)
_AROUND = 25  # steps recorded in full, before a stretch and after it
#: The phases that the steps of a stretch do not record, and what no phase holds.
LEFT_OUT = [signals.NONE, signals.DATA_WAIT, signals.FORWARD, signals.BACKWARD, signals.OPTIMIZER]
_LONG = 3.0  # times what its steps would take: a stretch that takes longer was held up by other code
_MANY = 2.0  # typical steps: as long as recorded phases must take in a stretch to get a step of their own

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def steps_of(borders: Records) -> Ints:
    """Per record that ends a step or a stretch: 0 for a step recorded in full, else the steps of the stretch."""
    stretch = borders["kind"] == signals.SKIPPED
    return np.where(stretch, (borders["arg"] >> np.uint64(32)).astype("i8"), 0)


def ends_stretch(records: Records, loop: int) -> Bools:
    """Mask of the records that end a stretch of ``loop``: a loader's id, 0 for a loop without one."""
    of_loop = (records["arg"] & np.uint64(signals.STACK_MASK)) == loop
    found: Bools = of_loop & (records["kind"] == signals.SKIPPED)
    return found


def split(records: Records, t0: Ints, t1: Ints, estimated: Ints) -> tuple[Ints, Ints, Ints]:
    """The windows (begin, end, ``steps_of``), with one of its own for what interrupts a stretch: a save, an evaluation.

    Such phases are recorded in every step. Their step reaches from the first to the last of them in the stretch.
    """
    stretches = np.flatnonzero(estimated)
    if not len(stretches):
        return t0, t1, estimated
    typical = float(np.median((t1 - t0) / np.maximum(estimated, 1)))
    top = records[(records["kind"] > 0) & (records["kind"] < _PHASES) & ((records["flags"] & 0xFF) == 0)]
    top = top[np.argsort(top["t1"], kind="stable")]
    spent = np.concatenate([[0], np.cumsum(top["t1"] - top["t0"])])
    first, last = (np.searchsorted(top["t1"], edge[stretches], side="right") for edge in (t0, t1))
    busy = np.flatnonzero(spent[last] - spent[first] > _MANY * typical)
    whole = np.ones(len(t0), bool)
    parts = []
    for number in busy:
        index = stretches[number]
        inside = top[first[number] : last[number]]
        begin, end, count = int(t0[index]), int(t1[index]), int(estimated[index])
        a, b = max(begin, int(inside["t0"].min())), int(inside["t1"].max())
        each = (end - begin - (b - a)) // count
        before = min(count - 1, (a - begin) // max(each, 1))
        after = count - 1 - before
        edges = np.array([begin, begin + before * each, end - after * each, end])
        steps = np.array([before, 1, after])
        use = steps > 0
        parts.append((edges[:-1][use], edges[1:][use], steps[use]))
        whole[index] = False
    parts.append((t0[whole], t1[whole], estimated[whole]))
    starts, ends, steps = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(starts, kind="stable")
    return starts[order], ends[order], steps[order]


def estimate(sums: Floats, estimated: Ints) -> None:
    """Fill in, in place, the phases (ns; one row a window, one column a phase) that stretches have not recorded."""
    stretches, full = np.flatnonzero(estimated), np.flatnonzero(estimated == 0)
    if not len(stretches) or not len(full):
        return
    # A pause that would hold up a whole stretch stands for itself only, in a stretch and in a step recorded in full.
    wall = sums.sum(axis=1)
    usual = float(np.median(wall[full]))
    full = full[wall[full] <= usual * (1.0 + (_LONG - 1.0) * float(estimated[stretches].mean()))]
    phases = list(LEFT_OUT)
    if (sums[full, signals.EVAL] > 0).mean() > 0.5 and not sums[stretches, signals.EVAL].any():
        phases.append(signals.EVAL)
    # Of a few steps around, because a loop may change its pace; the mean, because only that adds up to the whole.
    known = np.concatenate([np.zeros((1, len(phases))), np.cumsum(sums[full][:, phases], axis=0)])
    at = np.searchsorted(full, stretches)
    low, high = np.maximum(at - _AROUND, 0), np.minimum(at + _AROUND, len(full))
    mean = np.maximum(known[high] - known[low], 0.0) / (high - low)[:, None]
    left = np.maximum(sums[stretches, signals.NONE], 0.0)  # what no recorded phase holds
    guessed = mean * estimated[stretches][:, None]
    scale = left / np.maximum(guessed.sum(axis=1), 1.0)
    guessed *= np.where(scale > _LONG, 1.0, scale)[:, None]
    sums[stretches, signals.NONE] = left - guessed.sum(axis=1)
    sums[stretches[:, None], phases] += guessed


def like_neighbours(flags: Bools, estimated: Ints) -> Bools:
    """``flags`` of the steps recorded in full; a stretch is like the last of these before it, or the first."""
    full = np.flatnonzero(estimated == 0)
    if not len(full) or len(full) == len(flags):
        return flags
    before = np.maximum(np.searchsorted(full, np.arange(len(flags)), side="right") - 1, 0)
    return flags | ((estimated > 0) & flags[full[before]])
