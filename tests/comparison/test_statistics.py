"""Intervals: they cover the truth as often as they say, also where neighbouring steps depend on each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bottleneck_profiler.comparison.statistics import (
    MAX_BATCHES,
    batch_means,
    change_between,
    change_in_pairs,
    mean_of_steps,
    student_t,
)
from hypothesis import given
from hypothesis import strategies as st

positive = st.floats(1e-3, 1e3)


def test_student_t_of_the_tables():
    known = {1: 12.706, 4: 2.776, 30: 2.042, 40: 2.021, 120: 1.980, 10_000: 1.960}
    for freedom, quantile in known.items():
        assert student_t(freedom) == pytest.approx(quantile, abs=0.002)
    assert student_t(4.9) == student_t(4)
    assert student_t(0.5) == math.inf


@pytest.mark.parametrize("persistence", [0.0, 0.6, 0.95])
def test_the_interval_of_a_run_covers_its_true_mean(persistence):
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        noise = random.normal(size=4000)
        series = np.empty(len(noise))
        level = 0.0
        for index, shock in enumerate(noise):
            level = persistence * level + shock
            series[index] = level
        interval = mean_of_steps(series + 50.0)
        covered += interval.low <= 50.0 <= interval.high
    assert covered >= 0.88 * 200  # independent batches of 95 %; plain standard errors of steps cover 33 % at 0.95


def test_a_million_steps_become_at_most_a_thousand_batches():
    values = np.random.default_rng(0).normal(1.0, 0.1, 1_000_000)
    means = batch_means(values)
    assert 500 <= len(means) <= MAX_BATCHES
    assert means.mean() == pytest.approx(1.0, abs=0.001)


def test_too_few_steps_have_no_interval():
    assert mean_of_steps(np.ones(19)) is None


def test_one_run_on_a_side_gives_no_interval():
    assert change_between([1.0], [2.0, 2.1]) is None
    assert change_in_pairs([1.0], [2.0]) is None


def test_false_alarms_between_alike_sides_are_as_rare_as_promised():
    random = np.random.default_rng(3)
    draws = [np.exp(random.normal(0.0, 0.05, (2, 5))) for _ in range(1000)]
    alarms = sum(change_between(list(old), list(new)).excludes_zero for old, new in draws)
    assert 20 <= alarms <= 65  # 5 % of 1,000; Welch is a little careful with few runs


def test_pairs_see_through_noise_that_both_share():
    random = np.random.default_rng(5)
    shared = np.exp(random.normal(0.0, 0.3, 6))
    old, new = list(shared * 1.0), list(shared * 1.1 * np.exp(random.normal(0.0, 0.005, 6)))
    assert change_in_pairs(old, new).low > 0.05
    assert not change_between(old, new).excludes_zero


@given(st.lists(positive, min_size=2, max_size=8), st.lists(positive, min_size=2, max_size=8), st.floats(0.01, 100))
def test_a_change_does_not_depend_on_the_unit(old, new, scale):
    here, there = change_between(old, new), change_between([x * scale for x in old], [x * scale for x in new])
    assert here.value == pytest.approx(there.value, rel=1e-6, abs=1e-9)
    assert here.low <= here.value <= here.high
    assert here.low >= -1.0
