"""Steps that stall at regular intervals, and what runs in them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.model import Recording
from .. import Missing
from .checkpoints import Checkpoints
from .evaluations import Evaluations, done_elsewhere
from .loop_samples import LoopSamples, Sample, from_loop, samples_of, stacks_in_steps
from .output import Output
from .places import Place, place_of
from .steps import Floats, Steps

_STALL = 2.0  # times the median step (gpuprof: 99th over 50th percentile)
_DEVIATIONS = 3.0  # robust standard deviations above the median: smoothly varying lengths are not stalls
_SMALL = 0.5  # share of a usual stall
_COMMON = 0.5  # of the steps: forwards without gradients in more of them, like a teacher's, single out no step
_MAX_DRAWN_OUT = 4.0  # a stall longer than this multiple of the work seen in it has another cause
_AS_SIGMA = 1.4826  # factor from a median absolute deviation to sigma


@dataclass(frozen=True)
class Jitter:
    """``stalls``: number of steps far longer than the others; ``period``: steps from one stall to the next, 0 if
    irregular.

    ``regular_share``: share of the distances between stalls equal to the period; ``excess_seconds``: time beyond the
    median step, over all stalls. ``place``: the user's code that runs between the phases of stalls, with shares of what
    runs there; ``place_seconds``: the excess it explains, beyond what it takes in other steps; ``call_seconds``: the
    same for the whole call it is part of.
    """

    stalls: int
    period: int
    regular_share: float
    typical_seconds: float
    excess_seconds: float
    share: float
    place: Place | None = None
    place_seconds: float = 0.0
    call_seconds: float = 0.0

    @classmethod
    def compute(
        cls,
        recording: Recording,
        steps: Steps,
        loop_samples: LoopSamples,
        checkpoints: Checkpoints | None,
        evaluations: Evaluations | None,
        output: Output | None,
    ) -> Jitter:
        if steps.kind not in ("loader", "user"):
            raise Missing("The loop has no DataLoader, so fetching its next batch cannot be told from a stall.")
        wall, typical = steps.wall_seconds, steps.typical_seconds
        stalls = stalled(wall)
        evaluates = steps.phase("eval") > 0
        if evaluates.mean() < _COMMON:  # a policy acting, or an evaluation, including the Python around it
            stalls &= ~evaluates
        count = int(stalls.sum())
        period, regular = rhythm(np.flatnonzero(stalls))
        excess = float((wall[stalls] - typical).sum())
        found = cls(count, period, regular, typical, excess, excess / max(steps.total_seconds, 1e-9))
        there, elsewhere = (_inside(recording, steps, loop_samples, chosen) for chosen in (stalls, ~stalls))
        known = {sample.frames for sample in loop_samples.aside}
        aside = [
            sample
            for sample in there
            if sample.frames in known
            and not done_elsewhere(sample.users, checkpoints, evaluations)
            and not (output is not None and output.tool_of(sample))
        ]
        total = _seconds(there)
        place = place_of(aside, loop_samples.loop, total, loop_samples.training)
        if place is None:
            return found
        as_many = count / max(len(wall) - count, 1)
        usual = as_many * _seconds([sample for sample in elsewhere if _holds(place, sample)])
        sampled = max(0.0, place.share * total - usual)
        # A stall lasts longer than its thread runs or sleeps, because the thread also waits for a core.
        other = steps.phase("other")
        lost = float((other[stalls] - np.median(other)).sum())
        drawn_out = min(lost / max(total - as_many * _seconds(elsewhere), sampled, 1e-9), _MAX_DRAWN_OUT)
        return replace(
            found,
            place=place,
            place_seconds=sampled * drawn_out,
            call_seconds=min(lost, max(sampled, place.call_share * total - usual) * drawn_out),
        )


def _holds(place: Place, sample: Sample) -> bool:
    frame = place.frame
    return any(
        (user.file, user.function) == (frame.file, frame.function) and (place.function or user.line == frame.line)
        for user in sample.users
    )


def _seconds(samples: list[Sample]) -> float:
    return sum(sample.seconds for sample in samples)


def _inside(
    recording: Recording, steps: Steps, loop_samples: LoopSamples, chosen: npt.NDArray[np.bool_]
) -> list[Sample]:
    """Samples between the phases of the chosen steps."""
    rows = stacks_in_steps(recording, steps)
    rows = rows[(rows["flags"] & 0xFF) == signals.NONE]
    rows = rows[chosen[np.searchsorted(steps.start_ns, rows["t1"], side="left") - 1]]
    return [from_loop(sample, loop_samples.loop) for sample in samples_of(recording, steps.process, rows)]


def stalled(wall: Floats) -> npt.NDArray[np.bool_]:
    """Which steps take far longer than the median and are outliers against the variation of the others.

    Only the stalls that make up most of the lost time are kept: a busy machine adds small delays in between.
    """
    if not len(wall):
        return np.zeros(0, bool)
    median = float(np.median(wall))
    excess = wall - median
    spread = _AS_SIGMA * float(np.median(np.abs(excess)))
    found: npt.NDArray[np.bool_] = excess > max((_STALL - 1) * median, _DEVIATIONS * spread)
    if found.any():
        ordered = np.sort(excess[found])
        half = ordered[np.searchsorted(np.cumsum(ordered), 0.5 * ordered.sum())]  # half the lost time is above
        found &= excess > _SMALL * half
    return found


def rhythm(at: npt.NDArray[np.int64]) -> tuple[int, float]:
    """(most common distance between stalls, share of distances equal to it); (0, 0) for fewer than two stalls."""
    if len(at) < 2:
        return 0, 0.0
    apart, counts = np.unique(np.diff(at), return_counts=True)
    best = int(np.argmax(counts))
    return int(apart[best]), float(counts[best] / counts.sum())
