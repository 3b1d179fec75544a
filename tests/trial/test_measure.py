"""How many steps a trial takes, and what it measures of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bottleneck_profiler.artifacts.training.checkpoints import Checkpoints
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.diagnosis.findings import Cadence, Finding, Fix, Gain
from bottleneck_profiler.recording.model import empty_steps
from bottleneck_profiler.trial.measure import CannotTell, Measure, measure_of, value_of

STEP = 10_000_000  # ns


def steps_of(count: int, passes: int = 1, pause: int = 0, **phases: int) -> Steps:
    """A loop of equal steps, with so long a pause between passes, and phases of one step in so many."""
    rows = {name: np.zeros(count, column.dtype) for name, column in empty_steps().items()}
    loop = np.arange(count) * passes // count
    long = np.zeros(count, "i8")
    for name, every in phases.items():
        at = np.arange(count) % every == every - 1
        rows[name][at] = 20_000
        long += at * 20_000_000
    ends = np.cumsum(STEP + long) + loop * pause
    rows["t1"], rows["t0"], rows["loop"] = ends, ends - STEP - long, loop + 1
    rows["loader"][:] = 1
    warm = np.arange(count) < 3
    return Steps(0, "loader", 1, True, rows, warm, float(ends[-1]) / 1e9)


def finding_of(edit: Cadence | None = None, step_share: float | None = 0.5, stage: str = "training") -> Finding:
    gain = Gain(0.4, 0.3, 0.5, 1.0, "", step_share=step_share)
    return Finding("any", "", stage, (), Fix("", "", 1, edit=edit), gain=gain)  # type: ignore[arg-type]


def measured(finding: Finding, steps: Steps | None, checkpoints: Checkpoints | None = None) -> Measure:
    return measure_of(finding, 10.0, 0, empty_steps() if steps is None else steps.rows, steps, checkpoints, None)


def test_equal_steps_take_two_seconds_of_them() -> None:
    found = measured(finding_of(), steps_of(1000))
    assert (found.basis, found.period) == ("step", 1)
    assert found.steps in (200, 201)
    assert found.signals > found.steps + 3


def test_slow_steps_take_sixty() -> None:
    slow = steps_of(1000)
    rows = {**slow.rows, "t0": slow.rows["t0"] * 10, "t1": slow.rows["t1"] * 10}
    assert measured(finding_of(), replace(slow, rows=rows)).steps == 60


def test_what_happens_now_and_then_is_there_twice() -> None:
    found = measured(finding_of(), steps_of(1000, checkpoint=50))
    assert found.period >= 50
    assert found.steps >= 2 * found.period
    assert found.steps % found.period == 0


def test_a_rarer_save_needs_two_of_its_new_periods() -> None:
    saves = Checkpoints((0.02,) * 100, None, 10.0)
    edit = Cadence("train.py", 1, 10, 1000)
    found = measured(finding_of(edit), steps_of(1000, checkpoint=10), saves)
    assert found.period == 100
    assert found.steps >= 200


def test_a_pause_between_passes_needs_two_passes() -> None:
    found = measured(finding_of(step_share=None, stage="data loading"), steps_of(1000, passes=5, pause=10**9))
    assert (found.basis, found.period) == ("pace", 200)
    assert found.steps == 400
    assert found.predicted == pytest.approx(0.4 * 10.0 / (0.997 * 10 + 4), rel=0.02)


def test_too_few_steps_for_two_periods_cannot_tell() -> None:
    with pytest.raises(CannotTell, match="97 steps after warm-up"):
        measured(finding_of(step_share=None, stage="data loading"), steps_of(100, passes=1, checkpoint=60))


def test_outside_of_the_loop_the_whole_run_counts() -> None:
    found = measured(finding_of(step_share=None, stage="etl"), steps_of(1000))
    assert (found.basis, found.steps, found.signals) == ("run", 0, 0)
    assert (found.predicted, found.low, found.high) == (0.4, 0.3, 0.5)
    assert measured(finding_of(), None).basis == "run"


def test_a_prediction_is_scaled_to_the_step() -> None:
    found = measured(finding_of(), steps_of(1000))
    assert (found.predicted, found.low, found.high) == (0.5, pytest.approx(0.375), pytest.approx(0.625))


def test_values() -> None:
    starts, ends = np.array([0, 2, 4, 9]) * 10**9, np.array([1, 3, 5, 10]) * 10**9
    assert value_of(Measure("step", 3, 0, 1.0), starts, ends, 20.0) == 1.0
    assert value_of(Measure("pace", 3, 0, 1.0), starts, ends, 20.0) == pytest.approx(5 / 3)
    assert value_of(Measure("run", 0, 0, 1.0), starts, ends, 20.0) == 20.0


def test_steps_of_other_loops_are_counted_too() -> None:
    steps = steps_of(1000)
    other = {name: np.concatenate([column, column]) for name, column in steps.rows.items()}
    other["loader"] = np.repeat([1, 2], 1000).astype(other["loader"].dtype)
    alone, both = (measure_of(finding_of(), 10.0, 0, table, steps, None, None) for table in (steps.rows, other))
    assert both.steps == alone.steps
    assert both.signals == pytest.approx(2 * alone.signals, abs=4)
