"""The replay of a stage's tasks."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.diagnosis.schedule import (
    Schedule,
    ScheduleChanges,
    StageChange,
    StageTasks,
    changed_seconds,
    makespan_seconds,
    saved_seconds,
)
from hypothesis import given
from hypothesis import strategies as st

lengths = st.lists(st.integers(1, 1000), min_size=1, max_size=20).map(lambda tenths: np.array(tenths) / 10)


@given(lengths, st.integers(1, 20))
def test_tasks_take_at_least_their_work_and_at_most_one_task_more(seconds, slots):
    found = makespan_seconds(seconds, slots)
    least = max(seconds.sum() / slots, seconds.max())
    assert least * (1 - 1e-9) <= found <= seconds.sum() / slots + seconds.max() + 1e-9


def test_many_tasks_are_not_replayed_one_by_one():
    seconds = np.full(100_000, 0.5)
    assert makespan_seconds(seconds, 10) == pytest.approx(5000, rel=0.01)


def test_a_long_task_launched_last_is_waited_for():
    assert makespan_seconds(np.array([1.0] * 8 + [9.0]), 4) == 11.0


@given(lengths, st.integers(1, 20), st.floats(0.1, 1.0))
def test_less_work_never_takes_longer(seconds, slots, scale):
    stage = StageTasks(seconds, slots, own_seconds=makespan_seconds(seconds, slots))
    assert changed_seconds(stage, [StageChange(scale)]) <= stage.own_seconds + 1e-9
    assert changed_seconds(stage, [StageChange(even=True)]) <= stage.own_seconds + 1e-9


def test_savings_are_those_of_all_changes_together():
    stage = StageTasks(np.array([10.0, 10.0]), 2, own_seconds=10.0)
    schedule = Schedule({0: stage})
    half = ScheduleChanges(schedule, {0: StageChange(0.5)})
    assert saved_seconds([half]) == 5.0
    assert saved_seconds([half, half]) == 7.5
    assert saved_seconds([]) == 0.0
