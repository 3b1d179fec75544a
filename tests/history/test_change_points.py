"""The search for changes: its level without any, and where it finds one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from bottleneck_profiler.history.change_points import ENOUGH, LEAST, LEVEL, change_points
from hypothesis import given, settings
from hypothesis import strategies as st

NOISE = 0.02
SERIES = 200
ALLOWED = 6  # of SERIES: more would be found once in 200 times if the level were kept
settings.register_profile("changes", derandomize=True, deadline=None, max_examples=40)
FIXED = settings.get_profile("changes")


def spikes(random: np.random.Generator, count: int) -> np.ndarray:
    return random.exponential(NOISE, count) + np.where(random.random(count) < 0.1, random.exponential(0.5, count), 0.0)


@pytest.mark.parametrize("noise", [lambda random, count: random.normal(0, NOISE, count), spikes])
def test_without_a_change_none_is_found_at_the_chosen_level(noise):
    random = np.random.default_rng(7)
    found = sum(bool(change_points(noise(random, int(random.integers(4, 60))))) for _ in range(SERIES))
    assert found <= ALLOWED, (found, LEVEL * SERIES)


@FIXED
@given(st.integers(0, 2**32 - 1), st.integers(5, 40), st.integers(5, 40), st.sampled_from([-1, 1]))
def test_ten_percent_at_two_percent_noise_are_found_within_one_run(seed, before, after, sign):
    logs = np.random.default_rng(seed).normal(0, NOISE, before + after + 2)
    logs[before + 1 :] += sign * np.log(1.1)
    assert any(abs(at - (before + 1)) <= 1 for at in change_points(logs))


@settings(FIXED, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(8, 20), st.integers(8, 20), st.integers(8, 20))
def test_a_level_that_returns_is_found_on_both_sides(seed, first, second, third):
    logs = np.random.default_rng(seed).normal(0, NOISE, first + second + third)
    logs[first : first + second] += np.log(1.1)
    found = change_points(logs)
    for true in (first, first + second):
        assert any(abs(at - true) <= 1 for at in found), found


def test_one_slow_run_is_no_change():
    logs = np.random.default_rng(3).normal(0, NOISE, 30)
    for at in range(30):
        slow = logs.copy()
        slow[at] += 1.0
        assert change_points(slow) == []


@FIXED
@given(st.lists(st.floats(-1e3, 1e3, allow_nan=False), max_size=30), st.floats(0.01, 100), st.floats(-100, 100))
def test_what_is_found_depends_on_the_order_alone(values, scale, shift):
    found = change_points(np.array(values))
    assert found == sorted(set(found))
    edges = [0, *found, len(values)]
    assert not found or min(b - a for a, b in pairwise(edges)) >= LEAST
    assert not found or len(values) >= ENOUGH
    rounded = np.round(np.array(values), 3)  # so that equal values stay equal
    assert bool(change_points(rounded)) == bool(change_points(-rounded))


@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_equal_values_have_no_change(count):
    assert change_points(np.ones(count)) == []


@pytest.mark.parametrize("before", range(ENOUGH // 2, 15))
def test_a_step_without_noise_is_found_where_it_is(before):
    assert change_points(np.repeat([1.0, 2.0], [before, max(before, ENOUGH - before)])) == [before]
