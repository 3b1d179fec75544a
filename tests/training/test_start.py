"""When what is computed before the first step is a slow start, what is not, and what keeping it saves."""

from __future__ import annotations

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.start import Start
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.run.slow_start import SlowStart
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording.model import Frame
from hypothesis import given
from hypothesis import strategies as st

from training import programs

Program, at = programs.Program, programs.at
MAIN = at(5)
INDEX = (at(70, "index"), MAIN)


def library(path, function="call"):
    return Frame(function, path, 100, False)


def starting(*parts, steps=200, after=lambda program: None, written=0.0):
    """Parts before the first step, (seconds, frame, ..., innermost first), and steps of 11 ms of the same function."""
    program = Program()
    for seconds, *frames in parts:
        for _ in range(10):  # a sample each
            program.phase(signals.NONE, 100.0 * seconds, *frames)
    program.loader(1)
    first = program.now
    program.epoch(steps, after=lambda step: after(program))
    return program.recording({"write_bytes_total": lambda time: written * min(1.0, time / first)})


def judge(made):
    return run_all([SlowStart()], Artifacts(made))["slow-start"]


def test_a_function_that_computes_for_long_is_named_with_its_line():
    found = judge(starting((6, *INDEX)))
    assert isinstance(found, Finding)
    assert (found.location.line, found.location.function) == (70, "index")
    assert found.gain.seconds == pytest.approx(5.4, abs=0.01)
    assert found.gain.low < found.gain.share < found.gain.high < 1
    assert found.gain.confidence == 0.2 and found.gain.step_share is None
    assert found.fix.summary.startswith("Cache the result of index")
    compile(found.fix.snippet, "snippet", "exec")


def test_helpers_count_for_the_function_that_calls_them_and_lines_of_the_loops_function_for_themselves():
    helpers = [(2, at(80 + i, f"helper{i}"), *INDEX) for i in range(3)]
    assert judge(starting(*helpers)).location.function == "index"
    found = judge(starting((6, at(6)), (1, at(7))))
    assert found.location.line == 6 and "line 6" in found.fix.summary


def test_work_in_many_places_is_no_place():
    assert isinstance(judge(starting(*((1.5, at(6 + i)) for i in range(6)))), Fine)


@pytest.mark.parametrize(
    "frames",
    [
        (library("/lib/torch/nn/init.py"), *INDEX),
        (library("/lib/torch/_dynamo/eval_frame.py"), MAIN),
        (library("/lib/python3/ssl.py"), library("/lib/huggingface_hub/file_download.py"), MAIN),
        (library("<frozen importlib._bootstrap>"), MAIN),
        (library("/lib/python3/subprocess.py"), *INDEX),
    ],
    ids=["a model", "compiling", "a download", "imports", "another program"],
)
def test_what_no_file_can_keep_is_not_blamed(frames):
    assert isinstance(judge(starting((20, *frames))), Fine)


@pytest.mark.parametrize(("frame", "fires"), [(library("<frozen os>", "walk"), True), (at(71, "ask"), False)])
def test_waiting_for_files_counts_and_waiting_for_somebody_does_not(frame, fires):
    made = starting((20, frame, *INDEX))
    blocked = made.stacks["t1"] <= made.steps["t0"][0]
    made.stacks["kind"][blocked] = signals.STACK_BLOCKED
    assert isinstance(judge(made), Finding) == fires


def test_what_goes_on_in_the_steps_is_no_set_up():
    again = starting((20, *INDEX), after=lambda program: program.phase(signals.NONE, 5, *INDEX))
    assert isinstance(judge(again), Fine)


def test_a_set_up_that_keeps_its_result_is_not_blamed():
    assert isinstance(judge(starting((6, *INDEX), written=2e6)), Fine)
    assert isinstance(judge(starting((6, *INDEX), written=1e5)), Finding)


@pytest.mark.parametrize(
    ("seconds", "steps", "fires"),
    [(4.9, 200, False), (5.1, 200, True), (5.1, 3000, False), (5.1, 5000, True), (5.1, 10_000, False)],
    ids=["short", "long", "little of a short run", "of a longer run", "little of it"],
)
def test_thresholds(seconds, steps, fires):
    assert isinstance(judge(starting((seconds, *INDEX), steps=steps)), Finding) == fires


def test_without_stacks_or_host_it_is_not_measured():
    made = starting((6, *INDEX))
    made.facts.attached.discard("stacks")
    assert isinstance(judge(made), NotMeasured)
    made = starting((6, *INDEX))
    made.host = {}
    assert isinstance(judge(made), NotMeasured)


def test_seconds_without_a_core_are_paid_for_too():
    made = starting((6, *INDEX))
    setting_up = made.stacks["t1"] <= made.steps["t0"][0]
    made.stacks["t0"][setting_up] += (made.stacks["t1"] - made.stacks["t0"])[setting_up] // 2
    assert 0.8 * 6 < judge(made).gain.seconds <= 0.9 * 6


def test_one_report_names_it_first():
    assert [ranked.finding.detector for ranked in diagnose(starting((6, *INDEX))).findings] == ["slow-start"]


@given(st.floats(0.1, 60), st.floats(0.0, 60))
def test_what_is_saved_was_computed_and_lies_before_the_first_step(index, other):
    made = starting((index, *INDEX), (other, library("/lib/torch/nn/init.py"), MAIN))
    start = Artifacts(made).get(Start)
    assert start.place_seconds == pytest.approx(index, rel=0.01)
    assert start.place_seconds <= start.seconds
    found = judge(made)
    if isinstance(found, Finding):
        assert 0.5 * index <= found.gain.seconds <= index


@pytest.mark.parametrize(
    "path",
    ["/lib/torch/functional.py", "/lib/torch/nn/functional.py", "/lib/transformers/tokenization_utils.py"],
)
def test_what_torch_or_a_tokenizer_computes_for_a_function_of_the_users_can_be_kept(path):
    found = judge(starting((6, library(path), *INDEX)))
    assert isinstance(found, Finding) and found.location.function == "index"
