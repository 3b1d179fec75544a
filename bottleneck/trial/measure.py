"""What is measured of each run, and how many steps that takes. Pure.

A fix whose saving lies inside the steps is judged by the mean step, one that lies between them (a pause between
epochs) by the time from step to step, and one outside the loop (a read, an import) by the whole run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..artifacts.training.checkpoints import Checkpoints
from ..artifacts.training.evaluations import Evaluations
from ..artifacts.training.steps import Steps
from ..diagnosis.findings import Cadence, Finding, Gain, TrialBasis
from ..recording.model import Table

Ints = npt.NDArray[np.int64]

LEAST_STEPS = 60
_LEAST_SECONDS = 2.0  # of steps: fewer are at the mercy of whatever else the machine does
_PERIODS = 2  # of what happens now and then: with one, chance decides whether a run contains it
_RARE_SHARE = 0.5  # of the steps: a phase in more of them has no period
_LEAST_SHARE = 0.02  # of the steps' time: a phase with less of it moves no mean
_PHASES = ("eval", "checkpoint", "loader_start", "etl.read", "etl.transform", "etl.write")
_PEAK = 2.0  # times the median: a step that long holds something that the others do not
_LEAST_PEAKS = 3


class CannotTell(Exception):
    """Why no trial of this program can tell what the fix saves: one line."""


@dataclass(frozen=True)
class Measure:
    """``steps``: so many after warm-up; 0: the whole run. ``signals``: what the supervisor counts until it stops a run,
    0: it never does. ``seconds``: one run of the program as it is, to that point.

    ``period``: of what the fix changes, in steps. ``predicted``, ``low``, ``high``: the share of the basis that the fix
    saves; None without a prediction.
    """

    basis: TrialBasis
    steps: int
    signals: int
    seconds: float
    kind: str = ""
    period: int = 1
    predicted: float | None = None
    low: float | None = None
    high: float | None = None


def measure_of(
    finding: Finding,
    run_seconds: float,
    started_ns: int,
    table: Table,
    steps: Steps | None,
    checkpoints: Checkpoints | None,
    evaluations: Evaluations | None,
) -> Measure:
    """How to measure what a fix saves. ``table``: the steps of all loops.

    Raises CannotTell where the program has too few steps for it.
    """
    basis = _basis(finding, steps)
    if basis == "run" or steps is None:
        return Measure("run", 0, 0, run_seconds, "", 1, *_scaled(finding.gain, 1.0))
    period = max(_periods(steps, basis), default=1)
    if isinstance(finding.fix.edit, Cadence):
        events = len(checkpoints.seconds) if checkpoints is not None else 0
        if finding.detector == "eval-heavy":
            events = evaluations.count if evaluations is not None else 0
        period = max(period, math.ceil(steps.all_count / max(events, 1)) * finding.fix.edit.factor)
    typical = max(float(steps.wall_seconds.mean()), 1e-6)
    wanted = max(LEAST_STEPS, math.ceil(_LEAST_SECONDS / typical), _PERIODS * period)
    count = min(math.ceil(wanted / period) * period, steps.count // period * period)
    if count < _PERIODS * period or not count:
        raise CannotTell(
            f"the program makes {steps.count} steps after warm-up, and {_PERIODS} periods of what the fix changes "
            f"take {_PERIODS * period}"
        )
    last = int(steps.end_ns[count - 1])
    elapsed = (int(steps.end_ns[-1]) - int(steps.start_ns[0])) / 1e9
    gain = finding.gain
    part = 1.0
    if gain is not None:
        part = run_seconds / max(elapsed, 1e-9)
        if basis == "step":
            part = (gain.step_share or 0.0) / gain.share if gain.share else 0.0
    return Measure(
        basis,
        count,
        _signals(steps, table, last),
        (last - started_ns) / 1e9,
        steps.kind,
        period,
        *_scaled(gain, part),
    )


def _signals(steps: Steps, table: Table, last: int) -> int:
    """What the supervisor has counted when the step that ends at ``last`` is over: those of other loops, too."""
    if steps.kind not in ("loader", "optimizer"):
        return 0
    loops = table["loader"] > 0 if steps.kind == "loader" else table["loader"] == steps.loader
    before = loops & (table["process"] == steps.process) & (table["t1"] <= last)
    passes = np.unique(np.column_stack([table["loader"][before], table["loop"][before]]), axis=0)
    return int(before.sum()) + len(passes) + 2


def _basis(finding: Finding, steps: Steps | None) -> TrialBasis:
    if steps is None or not steps.judgeable:
        return "run"
    if finding.gain is not None and finding.gain.step_share is not None:
        return "step"
    return "pace" if finding.stage in ("data loading", "training") else "run"


def _scaled(gain: Gain | None, part: float) -> tuple[float | None, float | None, float | None]:
    """A gain's value and range as shares of something that is so much of its basis."""
    if gain is None or gain.basis != "run":
        return None, None, None
    value, low, high = (min(share * part, 0.99) for share in (gain.share, gain.low, gain.high))
    return value, low, high


def _periods(steps: Steps, basis: TrialBasis) -> Iterator[int]:
    """Of all that happens now and then in the loop, as a number of steps."""
    total = max(steps.total_seconds, 1e-9)
    for name in _PHASES:
        seconds = steps.phase(name)
        times = int((seconds > 0).sum())
        if times and times < _RARE_SHARE * steps.count and float(seconds.sum()) > _LEAST_SHARE * total:
            yield math.ceil(steps.count / times)
    wall = steps.wall_seconds
    peaks = np.flatnonzero(wall > _PEAK * steps.typical_seconds)
    regular = len(peaks) >= _LEAST_PEAKS and float(np.diff(peaks).std()) < 0.3 * float(np.diff(peaks).mean())
    if regular and len(peaks) < _RARE_SHARE * steps.count and float(wall[peaks].sum()) > _LEAST_SHARE * total:
        yield round(float(np.diff(peaks).mean()))
    if basis == "pace" and steps.passes > 1:
        yield math.ceil(steps.all_count / steps.passes)


def value_of(measure: Measure, starts: Ints, ends: Ints, wall_seconds: float) -> float:
    """Seconds of one run on its basis. ``starts``, ``ends``: of its steps after warm-up, in nanoseconds."""
    if measure.basis == "run":
        return wall_seconds
    starts, ends = starts[: measure.steps], ends[: measure.steps]
    if measure.basis == "step":
        return float((ends - starts).sum()) / 1e9 / len(ends)
    return float(ends[-1] - starts[0]) / 1e9 / len(ends)
