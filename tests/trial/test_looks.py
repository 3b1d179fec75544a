"""What pairs of runs may claim."""

from __future__ import annotations

import math
import random

import pytest
from bottleneck_profiler.trial.looks import LOOKS, Obtained, look
from bottleneck_profiler.trial.losses import compare


def pairs(count: int, ratio: float, noise: float, seed: int) -> tuple[list[float], list[float]]:
    chance = random.Random(seed)
    old = [math.exp(chance.gauss(0.0, noise)) for _ in range(count)]
    return old, [ratio * math.exp(chance.gauss(0.0, noise)) for _ in range(count)]


def trial(ratio: float, noise: float, seed: int) -> Obtained:
    """As ``prove`` does it."""
    old, new = pairs(LOOKS[-1], ratio, noise, seed)
    for count in LOOKS:
        found = look(old[:count], new[:count])
        if found.settled:
            return found
    return found


def test_a_gain_is_found_with_its_interval() -> None:
    found = trial(0.6, 0.01, 1)
    assert (found.answer, found.pairs) == ("faster", 5)
    assert found.low is not None and found.high is not None and found.gain is not None
    assert found.low < 0.4 < found.high
    assert found.high - found.low < 0.1


def test_a_loss_is_slower() -> None:
    assert trial(1.3, 0.01, 1).answer == "slower"


def test_one_pair_that_disagrees_forbids_a_claim() -> None:
    assert look([1.0] * 5, [0.6, 0.6, 0.6, 0.6, 1.1]).answer == "cannot tell"


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
def test_equal_programs_are_hardly_ever_called_faster(noise: float) -> None:
    found = [trial(1.0, noise, seed).answer for seed in range(2000)]
    assert found.count("faster") <= 20
    assert found.count("slower") <= 20


def test_equal_programs_on_a_quiet_machine_are_called_the_same() -> None:
    assert [trial(1.0, 0.01, seed).answer for seed in range(100)].count("same") >= 98


def test_the_interval_holds_the_truth() -> None:
    found = [trial(0.7, 0.03, seed) for seed in range(1000)]
    held = sum(each.low <= 0.3 <= each.high for each in found if each.low is not None and each.high is not None)
    assert held >= 930


def test_an_interval_is_as_wide_as_what_the_steps_leave_open() -> None:
    old, new = [1.0] * 5, [0.5] * 5
    narrow, wide = look(old, new), look(old, new, (0.1, 0.1))
    assert narrow.high - narrow.low == pytest.approx(0.02)  # type: ignore[operator]
    assert wide.high - wide.low > 0.2  # type: ignore[operator]


def test_too_little_is_no_answer() -> None:
    assert look([], []).answer == "cannot tell"
    assert look([1.0], [0.5]).gain is None
    assert not look([1.0], [0.5]).settled


def test_losses_that_repeat_are_the_same() -> None:
    run = [1.0 / (step + 1) for step in range(60)]
    found = compare([run, run], [run, run], 60)
    assert found is not None
    assert (found.spread, found.change, found.differ) == (0.0, 0.0, False)


def test_losses_that_differ_by_more_than_runs_do() -> None:
    run = [1.0] * 60
    other = [1.1] * 60
    assert compare([run, run], [other, other], 60).differ  # type: ignore[union-attr]
    assert not compare([run, other], [[1.08] * 60, [1.05] * 60], 60).differ  # type: ignore[union-attr]
    assert not compare([run, run], [[1.00001] * 60] * 2, 60).differ  # type: ignore[union-attr]


def test_losses_with_other_random_numbers_are_of_the_same_kind() -> None:
    chance = random.Random(1)
    old, new = ([1.0 + chance.gauss(0.0, 0.1) for _ in range(60)] for _ in range(2))
    assert not compare([old, old], [new, new], 60).differ  # type: ignore[union-attr]
    assert compare([old, old], [[loss + 0.5 for loss in new]] * 2, 60).differ  # type: ignore[union-attr]


def test_without_losses_nothing_is_said() -> None:
    assert compare([[]], [[]], 60) is None
    assert compare([[1.0] * 60], [[]], 60) is None
    assert compare([[math.nan] * 60], [[1.0] * 60], 60) is None
