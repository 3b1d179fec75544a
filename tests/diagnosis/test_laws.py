"""The laws against numbers worked out by hand, and the ranges around them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from bottleneck_profiler.detectors.training._shared import times_rarer
from bottleneck_profiler.diagnosis import laws as prediction
from bottleneck_profiler.diagnosis.findings import Changes, StepModel
from bottleneck_profiler.diagnosis.laws import seconds_saved_by_less_work
from hypothesis import given
from hypothesis import strategies as st
from loading import loops

#: C 40 ms, L 60 ms of waiting, four cores.
WORKED = StepModel(0.040, 0.060, 0.001, 0.040, 4.0, queue_seconds=0.0, steps=100)


def test_the_worked_example_of_the_catalogue():
    assert prediction.step_seconds(WORKED) == pytest.approx(0.100)
    assert prediction.seconds_saved_by(WORKED, Changes(WORKED, workers=4)) == pytest.approx(6.0)
    assert prediction.best_workers(WORKED, 8) == 2


def test_workers_cannot_use_cores_that_are_not_there():
    busy = StepModel(0.010, 0.010, 0.010, 0.010, 1.0, queue_seconds=0.0016)
    assert prediction.step_seconds_with_workers(busy, 1) == pytest.approx(0.0216)


def test_the_queue_is_in_the_measured_cpu_once_there_are_workers():
    with_workers = StepModel(0.010, 0.010, 0.010, 0.012, 1.0, queue_seconds=0.0016, workers=1)
    assert prediction.step_seconds(with_workers) == pytest.approx(0.022)


def test_the_first_workers_bring_their_queue():
    none = StepModel(0.010, 0.010, 0.010, 0.010, 1.0, queue_seconds=0.0016)
    assert prediction.step_seconds(prediction.changed(none, Changes(none, workers=1))) == pytest.approx(0.0216)


def test_changes_add_up_and_stop_at_zero():
    less = Changes(WORKED, work_seconds=-0.030)
    once = prediction.changed(WORKED, less)
    assert once.work_seconds == pytest.approx(0.010)
    assert prediction.changed(once, less).work_seconds == 0.0


@pytest.mark.parametrize(
    ("workers", "load", "cpu_share", "expected"),
    [
        (0, 0.020, 0.0, 0.008),  # loading and work take turns: all of it
        (2, 0.010, 0.0, 0.008),  # the loader is far ahead: all of it
        (2, 0.024, 0.0, 0.008),  # the pace of the loader, 12 ms, is not reached yet
        (2, 0.060, 0.0, 0.0),  # the loader sets the pace: it turns into waiting
        (2, 0.036, 0.0, 0.0028),  # down to the loader's pace of 18 ms and no further
    ],
)
def test_less_work_saves_down_to_the_pace_of_the_loader(workers, load, cpu_share, expected):
    wait = max(0.001, load / max(workers, 1) - 0.020)
    sleeping = (1.0, loops.signals.STACK_BLOCKED, loops.user("get"), loops.FETCH)
    made = loops.loop(0.020, load if not workers else wait, workers, load, busy=0.2, idle=1.8, stacks=[sleeping])
    loading, steps = loops.terms(made)
    saved = seconds_saved_by_less_work(steps, loading, 0.008, cpu_share) / steps.count
    assert saved == pytest.approx(expected, abs=1e-4)


def test_less_work_saves_no_more_than_the_cores_allow():
    computing = (1.0, loops.signals.STACK_CPU, loops.user("decode"), loops.FETCH)
    made = loops.loop(0.020, 0.001, 2, 0.020, 0.020, busy=1.9, idle=0.0, stacks=[computing])
    loading, steps = loops.terms(made)
    idle = seconds_saved_by_less_work(steps, loading, 0.008, 0.0) / steps.count
    computed = seconds_saved_by_less_work(steps, loading, 0.008, 1.0) / steps.count
    assert idle < 0.001
    assert 0.003 < computed < 0.005  # 8 ms of CPU on 1.9 cores


def test_without_a_loader_all_of_it_is_saved():
    _, steps = loops.terms(loops.loop(0.020, 0.010))
    assert seconds_saved_by_less_work(steps, None, 0.008, 1.0) == pytest.approx(0.008 * steps.count)


def test_ranges_are_not_cut_to_a_width():
    wide = prediction.gain(5.0, 10.0, "", low_seconds=1.0, high_seconds=9.5, relative_error=0.0)
    assert (wide.low, wide.share, wide.high) == pytest.approx((0.10, 0.50, 0.95), abs=0.03)
    over = prediction.gain(5.0, 10.0, "", low_seconds=-3.0, high_seconds=12.0)
    assert (over.low, over.high) == (0.0, 0.99)


def test_the_law_is_surer_of_waits_than_of_loaders_that_compete_for_cores():
    waits = StepModel(0.010, 0.060, 0.0, 0.0, 2.0, workers=4)
    competes = replace(waits, load_cpu_seconds=0.060, work_cpu_seconds=0.010)
    assert prediction.law_error(waits) == pytest.approx(0.02)
    assert prediction.law_error(competes) == pytest.approx(0.20)


def test_a_bootstrap_over_unequal_steps_is_wide():
    steps = np.where(np.arange(400) % 100 < 20, 0.1, 0.001)
    value, low, high = prediction.block_bootstrap((steps,), float)
    assert low < 0.9 * value < 1.1 * value < high


@given(st.floats(0.001, 0.999), st.floats(0.005, 0.1))
def test_what_is_made_rarer_takes_its_target_of_the_run_that_this_makes(share, target):
    def left(times):
        return share / times / (1 - share + share / times)

    times = times_rarer(share, target, most=10**9)
    assert left(times) <= target * (1 + 1e-9) or times == 2
    assert left(times - 1) > target * (1 - 1e-9) or times == 2
    assert times_rarer(share, target, most=5) <= 5


@given(st.floats(0, 20), st.floats(0, 1))
def test_a_pause_that_goes_warms_no_more_than_what_remains(saved: float, free: float):
    """1,000 steps of 20 ms."""
    steps = SimpleNamespace(total_seconds=20.0, count=1000, accelerated=False)
    expected, most = prediction.warmer(steps, saved, free)
    assert 0 <= expected <= most <= 0.6 * min(saved, 20.0 - saved) + 1e-9
    assert expected <= 1.5 and most <= 4.0
    steps.accelerated = True
    assert prediction.warmer(steps, saved, free) == (0.0, 0.0)


def test_what_may_come_on_top_widens_the_range_upwards_alone():
    plain = prediction.gain(2.0, 10.0, "")
    more = prediction.gain(2.0, 10.0, "", besides=(0.1, 0.5))
    assert more.share == pytest.approx(0.21) and more.seconds == pytest.approx(2.1)
    assert plain.low - 0.002 < more.low <= plain.low and more.high == pytest.approx(plain.high + 0.05, abs=0.002)


SECONDS = st.floats(-1e6, 1e6)


@given(SECONDS, st.floats(0, 1e5), SECONDS, SECONDS, st.floats(0, 1e4), st.floats(0, 1), st.floats(0, 50))
def test_the_point_of_a_gain_lies_in_its_range_and_a_run_never_vanishes(saved, run, low, high, more, error, within):
    found = prediction.gain(
        saved,
        run,
        "",
        low_seconds=low,
        high_seconds=high,
        besides=(more / 2, more),
        relative_error=error,
        step_share=within,
    )
    assert 0 <= found.low <= found.share <= found.high <= 0.99
    assert 0 <= found.seconds <= max(run, 0.0)
    assert found.step_share is None or found.step_share <= 1


def test_a_range_holds_what_two_runs_differ_by_and_no_gain_becomes_doubtful_by_that():
    small, large = (prediction.gain(share * 100.0, 100.0, "", relative_error=0.02) for share in (0.05, 0.6))
    assert small.high - small.share > 0.04 and large.high - large.share < small.high - small.share
    assert 0 < small.low < 0.03


def test_what_saves_more_than_the_steps_take_lies_outside_of_them():
    assert prediction.gain(2.0, 10.0, "", step_share=8.87).step_share is None
    assert prediction.gain(2.0, 10.0, "", step_share=0.5).step_share == 0.5
