"""Stalls with a rhythm: which steps stall, how far apart, on which line, and what is no stall of the user's code."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.artifacts.training.jitter import rhythm, stalled
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.step_jitter import StepJitter
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.model import Frame
from hypothesis import given
from hypothesis import strategies as st

from training import programs

Program, at = programs.Program, programs.at

COLLECT = (at(61, "collect"), at(20))


def training(after, steps=400):
    """Steps of 11 ms."""
    program = Program()
    program.loader(1)
    program.epoch(steps, after=lambda step: after(program, step))
    return program.recording()


def every(period, ms=60.0, *frames, phase=signals.NONE):
    frames = frames or COLLECT
    return lambda program, step: program.phase(phase, ms, *frames) if step % period == 0 else None


def judge(made):
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([StepJitter()], artifacts)["step-jitter"]


def test_the_rhythm_and_the_line_are_named_and_priced():
    found = judge(training(every(20)))
    assert isinstance(found, Finding)
    assert (found.location.line, found.location.function) == (61, "collect")
    assert [item.value for item in found.evidence[:2]] == [20, 20]
    assert found.evidence[2].value == pytest.approx(0.011)
    assert found.gain.seconds == pytest.approx(20 * 0.060 * (1 - 1 / 11), rel=0.06)
    assert found.gain.low <= found.gain.share <= found.gain.high
    assert found.fix.snippet.startswith("# line 20: now every 20 steps")
    compile(found.fix.snippet, "snippet", "exec")


def test_one_report_names_it_once():
    assert [ranked.finding.detector for ranked in diagnose(training(every(20))).findings] == ["step-jitter"]


@pytest.mark.parametrize(
    "after",
    [
        every(50),  # eight in all
        every(20, 20),  # little beside the steps
        every(20, 60, phase=signals.EVAL),
        every(20, 60, phase=signals.CHECKPOINT),
        every(20, 60, phase=signals.DATA_WAIT),
        every(20, 60, phase=signals.OPTIMIZER),
        every(20, 60, Frame("Logger.info", "/lib/logging/__init__.py", 1, False), at(20)),
        every(20, 60, Frame("clip_grad_norm_", "/lib/torch/nn/utils/clip_grad.py", 1, False), at(20)),
        lambda program, step: program.phase(signals.NONE, 60) if step % 20 == 0 else None,  # no core for the thread
        lambda program, step: program.phase(signals.NONE, 5, *COLLECT),  # the same in every step
        lambda program, step: (
            program.phase(signals.NONE, 15, *COLLECT),  # as in every step: it is not what stalls
            program.phase(signals.NONE, 27 if step % 20 == 0 else 0),
        ),
        lambda program, step: program.phase(signals.NONE, step % 20 * 2, *COLLECT),  # lengths that vary smoothly
    ],
)
def test_look_alikes_are_silent(after):
    assert isinstance(judge(training(after)), Fine)


def test_small_delays_of_a_busy_machine_hide_no_rhythm():
    delays = set(np.random.default_rng(1).integers(1, 400, 40).tolist())

    def after(program, step):
        every(20)(program, step)
        if step in delays:
            program.phase(signals.NONE, 14)

    assert judge(training(after)).evidence[0].value == 20


def test_stalls_without_a_rhythm_are_nobodys_habit():
    chosen = set(np.cumsum(np.random.default_rng(0).integers(3, 40, 60)).tolist())
    after = lambda program, step: program.phase(signals.NONE, 60, *COLLECT) if step in chosen else None  # noqa: E731
    assert isinstance(judge(training(after)), Fine)


def test_a_stall_of_many_small_places_has_no_line():
    lines = iter(range(100, 1000))

    def after(program, step):
        for _ in range(6 if step % 20 == 0 else 0):
            program.phase(signals.NONE, 10, at(next(lines)))

    assert isinstance(judge(training(after)), Fine)


def test_collecting_experience_is_no_stall():
    def acting(program, step):
        if step % 20 == 0:
            for _ in range(6):
                program.phase(signals.EVAL, 1, at(50, "Policy.forward"), at(21))
                program.phase(signals.NONE, 9, at(80, "Game.play"), at(22))

    assert isinstance(judge(training(acting)), Fine)
    program = Program()
    for step in range(1, 400):
        program.train_step()
        every(20)(program, step)
    assert isinstance(judge(program.recording()), NotMeasured)


def test_without_stacks_it_is_not_measured():
    made = training(every(20))
    made.facts.attached.discard("stacks")
    assert isinstance(judge(made), NotMeasured)


@given(st.integers(2, 50), st.integers(10, 40), st.floats(1e-4, 10.0), st.floats(2.5, 100.0))
def test_a_planted_rhythm_is_found_whatever_the_scale(period, times, seconds, factor):
    wall = np.full(period * times, seconds)
    wall[period - 1 :: period] *= factor
    stalls = stalled(wall)
    if period > 2:
        assert stalls.sum() == times
        assert rhythm(np.flatnonzero(stalls)) == (period, 1.0)


@given(st.lists(st.floats(0.010, 0.019), min_size=1, max_size=200))
def test_steps_that_vary_less_than_twofold_never_stall(wall):
    assert not stalled(np.array(wall)).any()


def test_no_steps_and_one_stall_have_no_rhythm():
    assert stalled(np.zeros(0)).tolist() == []
    assert rhythm(np.array([3])) == (0, 0.0)
