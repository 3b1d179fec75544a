"""The order of the runs, the pair that is dropped, and the end of the time."""

from __future__ import annotations

from collections import Counter

import pytest
from bottleneck_profiler.pairs.interleaved import Arm, ArmError, OutOfTime, interleaved, repeated


class Clock:
    """Seconds that pass only while an arm runs."""

    def __init__(self):
        self.now = 100.0
        self.made = []

    def __call__(self):
        return self.now

    def arm(self, name, seconds):
        def record(folder, until):
            if self.now + seconds > until:
                raise OutOfTime
            self.now += seconds
            self.made.append(folder.name)

        return Arm(name, record)


def made(tmp_path, most, seed=0, seconds=float("inf"), each=1.0):
    clock = Clock()
    arms = clock.arm("old", each), clock.arm("new", each)
    pairs = list(interleaved(*arms, tmp_path, most, seconds, seed, clock))
    return pairs, clock.made


def test_the_first_pair_is_dropped_and_the_others_count(tmp_path):
    pairs, runs = made(tmp_path, most=5)
    assert [pair.number for pair in pairs] == [0, 1, 2, 3, 4, 5]
    assert [pair.counts for pair in pairs] == [False, *[True] * 5]
    assert Counter(runs) == Counter(folder.name for pair in pairs for folder in (pair.old, pair.new))
    assert pairs[3].new == tmp_path / "pair-03-new"


@pytest.mark.parametrize("seed", range(20))
def test_each_version_runs_first_as_often_and_pairs_stay_together(tmp_path, seed):
    _, runs = made(tmp_path, most=9, seed=seed)
    together = [runs[at : at + 2] for at in range(0, len(runs), 2)]
    assert all({name[:7] for name in pair} == {f"pair-{number:02}"} for number, pair in enumerate(together))
    assert Counter(pair[0].rpartition("-")[2] for pair in together) == {"old": 5, "new": 5}


def test_the_order_is_random(tmp_path):
    assert len({tuple(made(tmp_path, most=9, seed=seed)[1]) for seed in range(20)}) > 10


def test_no_pair_begins_that_is_not_expected_to_be_done_in_time(tmp_path):
    pairs, runs = made(tmp_path, most=10, seconds=7.5, each=1.0)
    assert [pair.number for pair in pairs] == [0, 1, 2]
    assert len(runs) == 6


def test_the_run_that_is_going_on_when_the_time_is_over_counts_for_nothing(tmp_path):
    pairs, runs = made(tmp_path, most=10, seconds=1.5)
    assert pairs == []
    assert len(runs) == 1


def test_a_version_that_cannot_be_run_ends_it(tmp_path):
    def fails(folder, until):
        raise ArmError("the new version ended with exit code 1")

    with pytest.raises(ArmError, match="exit code 1"):
        list(interleaved(Clock().arm("old", 1.0), Arm("new", fails), tmp_path, 5, clock=Clock()))


def test_runs_of_one_version_alone(tmp_path):
    clock = Clock()
    folders = list(repeated(clock.arm("new", 1.0), tmp_path, 5, 4.5, clock))
    assert [folder.name for folder in folders] == clock.made == [f"run-{number:02}-new" for number in range(4)]
