"""A new version against an old one: passed, failed, nothing to say, or nothing to compare."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bottleneck_profiler.gate.judge import judge

from gate.made import STEADY, of, times


def judged(*factors, old=None, paired=True):
    condition, comparison, verdict = judge(old or times(*STEADY), times(*factors), "main", 0.05, paired)
    return condition, comparison, verdict


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("factor", "outcome", "word"), [(1.3, "fail", "Slower"), (0.7, "pass", "Faster"), (1.0, "pass", "Same within")]
)
def test_outcomes(factor, outcome, word, paired):
    condition, comparison, verdict = judged(*(factor * each for each in STEADY), paired=paired)
    assert condition.outcome == outcome
    assert condition.sentence.startswith(word)
    assert f"in 5 {'pairs' if paired else 'runs'}" in condition.sentence
    assert condition.name == "mean step against main"
    assert comparison.sentence == condition.sentence
    assert verdict.settled


def test_too_much_noise_is_neither_passed_nor_failed():
    condition, comparison, verdict = judged(1.5, 0.8, 1.4, 0.9, 1.3)
    assert condition.outcome == comparison.answer == "cannot tell"
    assert "could be chance" in condition.sentence
    assert not verdict.settled


def test_a_slow_down_that_can_be_ruled_out_passes():
    condition, _, _ = judged(0.9, 1.0, 0.97, 0.99, 1.0)
    assert condition.outcome == "pass"
    assert condition.sentence.startswith("Not slower: the mean step changed by −")


def test_one_pair_is_too_few():
    condition, _, _ = judged(1.3, old=times(1.0))
    assert condition.outcome == "cannot tell"
    assert condition.sentence == ("Cannot tell: only 1 pair could be made in the time, and a verdict needs two.")


def test_another_machine_is_not_comparable():
    old = [replace(run, machine={**run.machine, "cores": "64"}) for run in times(*STEADY)]
    condition, comparison, _ = judged(*(2 * each for each in STEADY), old=old)
    assert condition.outcome == "not comparable"
    assert "different machines (cores 64 and " in condition.sentence
    assert comparison.answer == "cannot tell"


def test_a_figure_that_some_runs_lack_is_not_comparable():
    old = times(*STEADY)
    old[2] = replace(old[2], figures={"run": 3.0})
    condition, _, _ = judged(*STEADY, old=old)
    assert condition.outcome == "not comparable"
    assert "mean step: 4 of 5 old and 5 of 5 new runs" in condition.sentence


def test_another_program_is_not_comparable():
    old = [replace(run, command="other.py") for run in times(*STEADY)]
    condition, _, _ = judged(*STEADY, old=old)
    assert condition.outcome == "not comparable"
    assert "ran different programs (other.py and " in condition.sentence


def test_a_longer_run_with_equal_steps_is_noted():
    old = times(*STEADY)
    new = [replace(run, figures={**run.figures, "run": 2 * run.figures["run"]}) for run in old]
    condition, comparison, _ = judge(old, new, "main", 0.05, True)
    assert condition.outcome == "pass"
    assert any("The run as a whole takes +100 %" in note for note in comparison.notes)


def test_the_line_that_costs_more_is_where_it_failed():
    run = of("residual-python/silent")
    slow = replace(of("residual-python/fires"), command=run.command)
    condition, comparison, _ = judge([run] * 3, [slow] * 3, "main", 0.05, True)
    assert condition.outcome == "fail"
    assert condition.location == comparison.lines[0].location
