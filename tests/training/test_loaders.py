"""Loaders made anew are one loop; loaders of training and evaluation that one place makes are two."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.artifacts.run.breakdown import Breakdown
from bottleneck_profiler.artifacts.training.steps import Steps
from bottleneck_profiler.recording.loaders import join_loaders

from training import programs


def trainer(length, finally_evaluates=False):
    """As a framework does it: one call of the user's makes a loader to train on and a new one for each evaluation."""
    program = programs.Program()
    made = iter(range(2, 100))

    def new():
        number = next(made)
        program.loader(number, dataset="DS", length=length)
        return number

    program.loader(1, dataset="DS", length=40)
    program.epoch(40, after=lambda step: program.evaluation(new()) if step % 10 == 0 else None)
    program.epoch(40)
    if finally_evaluates:
        program.evaluation(new())
    return program.recording()


@pytest.mark.parametrize("length", [3, 40], ids=["of another length", "of the same length"])
@pytest.mark.parametrize("finally_evaluates", [False, True])
def test_evaluation_is_no_step_of_the_training_loop_that_it_interrupts(length, finally_evaluates):
    made = trainer(length, finally_evaluates)
    join_loaders(made)
    steps = Steps.compute(made)
    assert steps.all_count == 80
    assert (steps.rows["t0"][1:] >= steps.rows["t1"][:-1]).all()
    assert np.unique(made.steps["loader"]).tolist() == [1, 2]  # the evaluations are one loop too
    breakdown = Breakdown.compute(made, steps, None, None, None)
    assert sum(breakdown.seconds.values()) == pytest.approx(breakdown.wall_seconds, rel=0.001)


def test_loaders_made_anew_in_each_epoch_are_one():
    program = programs.Program()
    for number in (1, 2, 3):
        program.loader(number, dataset="DS", length=30)
        program.epoch(30, number)
    made = program.recording()
    join_loaders(made)
    steps = Steps.compute(made)
    assert steps.all_count == 90 and len(np.unique(steps.rows["loop"])) == 3
