"""What pairs prove: an identical version is not called slower, and a real slow-down is found."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bottleneck_profiler.pairs.verdict import verdict
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("new", "answer"),
    [
        ((1.30, 1.31, 1.29, 1.30, 1.31), "slower"),
        ((0.60, 0.61, 0.59, 0.60, 0.61), "faster"),
        ((1.00, 1.01, 1.00, 0.99, 1.01), "same"),
        ((1.03, 1.02, 1.03, 1.02, 1.03), "same"),
        ((1.06, 1.02, 1.07, 1.02, 1.04), "cannot tell"),
        ((1.50, 0.70, 1.40, 0.80, 1.30), "cannot tell"),
    ],
)
def test_the_four_answers(new, answer):
    found = verdict((1.0, 1.01, 0.99, 1.0, 1.0), new)
    assert found.answer == answer
    assert found.pairs == 5


def test_a_large_change_needs_no_more_pairs_although_runs_differ():
    found = verdict((1.0, 1.2, 0.8, 1.1, 0.9), (3.0, 3.6, 2.4, 2.9, 3.1))
    assert found.noise > found.within
    assert found.settled
    assert not verdict((1.0, 1.2, 0.8, 1.1, 0.9), (1.4, 1.5, 1.3, 1.2, 1.6)).settled


@pytest.mark.parametrize("pairs", [0, 1])
def test_fewer_than_two_pairs_prove_nothing(pairs):
    found = verdict([1.0] * pairs, [9.0] * pairs)
    assert found.answer == "cannot tell"
    assert found.change is None
    assert not found.settled
    assert not found.not_slower


def test_what_both_versions_share_is_not_noise_of_the_change():
    """A machine that gets 3 % slower from pair to pair: the ratios stay, and a slow-down of a fifth is found."""
    drift = [1.03**number for number in range(6)]
    found = verdict(drift, [1.2 * value for value in drift])
    assert found.answer == "slower"
    assert found.change.low == pytest.approx(0.2) == found.change.high


def test_a_change_below_the_noise_is_not_called_slower():
    """The pairs agree, but runs of one version differ by far more than the change."""
    old = [1.0, 1.4, 0.8, 1.3, 0.9]
    found = verdict(old, [1.06 * value for value in old])
    assert found.change.excludes_zero
    assert found.noise > 0.06
    assert found.answer == "cannot tell"


def test_a_fast_version_with_a_wide_interval_is_not_slower():
    found = verdict((1.0, 1.01, 0.99, 1.0, 1.0), (0.9, 1.0, 0.97, 0.99, 1.0))
    assert found.not_slower


def share_of(answer, slowdown, spread, pairs, sets=400):
    random = np.random.default_rng(3)
    old, new = np.exp(random.normal(0, spread, (2, sets, pairs)))
    answers = [verdict(*sides).answer for sides in zip(old, (1 + slowdown) * new, strict=True)]
    return answers.count(answer) / sets


@pytest.mark.parametrize(("spread", "pairs"), [(0.01, 5), (0.02, 5), (0.05, 10), (0.2, 5)])
def test_a_version_is_not_slower_than_itself(spread, pairs):
    assert share_of("slower", 0.0, spread, pairs) <= 0.02  # 0.014 in 20,000 sets at most


@pytest.mark.parametrize(("spread", "pairs"), [(0.02, 5), (0.05, 10)])
def test_ten_percent_are_found(spread, pairs):
    assert share_of("slower", 0.1, spread, pairs) >= 0.93  # 0.952 in 20,000 sets at the larger noise


times = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=10)


@given(times, st.floats(0.01, 100.0))
def test_the_unit_does_not_matter(values, factor):
    shifted = values[1:] + values[:1]
    one, other = verdict(values, shifted), verdict([v * factor for v in values], [v * factor for v in shifted])
    assert one.change.value == pytest.approx(other.change.value, abs=1e-6)
    assert one.noise == pytest.approx(other.noise, rel=1e-4, abs=1e-6)


@given(times)
def test_a_verdict_never_contradicts_its_interval(values):
    found = verdict(values, values[::-1])
    assert math.isfinite(found.noise)
    assert found.answer != "slower" or found.change.low > 0
    assert found.answer != "faster" or found.change.high < 0
    assert not (found.answer == "slower" and found.not_slower)
