"""What counts as writing logs, what must not, and what writing less often saves."""

from __future__ import annotations

import ast

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.hot_logging import HotLogging
from bottleneck_profiler.detectors.training.residual_python import ResidualPython
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.enrich.source.output_lines import find_output_lines
from bottleneck_profiler.recording.model import Frame
from hypothesis import given
from hypothesis import strategies as st
from typed import add

from training import programs

Program, at, FILE = programs.Program, programs.at, programs.FILE


def library(path, function="call", generator=False):
    return Frame(function, f"/lib/python3/{path}", 100, False, generator)


LOGGING = (library("logging/__init__.py", "FileHandler.emit"), library("logging/__init__.py", "Logger.info"))
BAR = library("site-packages/tqdm/std.py", "tqdm.__iter__", generator=True)


def training(*frames, every=1, ms=5.0, steps=200, phase=signals.NONE, **notes):
    """Steps of 11 ms, and so many more in ``frames`` (innermost first, of the loop's line 20) every so many steps."""
    program = Program()
    program.loader(1)
    program.epoch(steps, after=lambda step: program.phase(phase, ms, *frames, at(20)) if step % every == 0 else None)
    for kind, fields in notes.items():
        add(program.facts, kind, **fields)
    return program.recording()


def judge(made, detector=None):
    detector = detector or HotLogging()
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([detector], artifacts)[detector.id]


@pytest.mark.parametrize(
    ("tool", "frames"),
    [
        ("logging", LOGGING),
        ("tqdm", (library("site-packages/tqdm/std.py", "tqdm.refresh"),)),
        ("tqdm", (library("codecs.py"), library("site-packages/tqdm/std.py", "tqdm.update"), BAR)),
        ("tensorboard", (library("numpy/f.py"), library("site-packages/torch/utils/tensorboard/writer.py"))),
        ("wandb", (library("json/encoder.py"), library("site-packages/wandb/sdk/wandb_run.py"))),
        ("json", (library("json/__init__.py", "dump"),)),
        ("text of tensors", (library("site-packages/torch/_tensor_str.py", "_str"),)),
        ("logging", (library("site-packages/torch/_tensor_str.py", "_str"), *LOGGING)),
    ],
)
def test_what_writes_is_known_by_the_library_below_the_users_line(tool, frames):
    found = judge(training(*frames))
    assert isinstance(found, Finding)
    assert found.location.line == 20 and found.evidence[1].value == tool
    assert found.evidence[0].value == pytest.approx(5 / 16, abs=0.01)
    assert found.gain.step_share == pytest.approx(5 / 16, abs=0.02)
    compile(found.fix.snippet, "snippet", "exec")


@pytest.mark.parametrize(
    "frames",
    [
        (library("site-packages/datasets/arrow.py"), BAR),  # what a bar goes over
        (BAR,),
        (library("json/encoder.py"), library("json/__init__.py", "dumps")),
        (library("json/__init__.py", "load"),),
        (at(50, "Net.statistics"), *LOGGING),  # the user's own function, called while text is made
        (Frame("_load", "<frozen importlib._bootstrap>", 1, False), *LOGGING),
        (library("site-packages/torch/nn/functional.py"),),
    ],
)
def test_what_is_no_writing(frames):
    assert isinstance(judge(training(*frames)), Fine)


@pytest.mark.parametrize("phase", [signals.DATA_WAIT, signals.EVAL, signals.CHECKPOINT])
def test_what_writes_in_phases_that_have_detectors_of_their_own_is_left_to_them(phase):
    assert isinstance(judge(training(*LOGGING, phase=phase)), Fine)


def test_writing_inside_the_forward_pass_counts_and_names_the_models_line():
    found = judge(training(*LOGGING, at(51, "Net.forward"), phase=signals.FORWARD))
    assert (found.location.line, set(found.removes)) == (51, {"forward"})


@pytest.mark.parametrize(("every", "fires"), [(1, True), (20, True), (100, False)])
def test_rare_lines_are_cheap(every, fires):
    assert isinstance(judge(training(*LOGGING, every=every, ms=5, steps=2000)), Finding) == fires


def test_a_share_of_few_samples_is_chance():
    few = training(*LOGGING, ms=5, steps=39)  # 0.195 s
    assert isinstance(judge(few), NotMeasured)
    assert isinstance(judge(training(*LOGGING, ms=5, steps=60)), Finding)


def test_python_on_the_side_does_not_speak_of_the_same_seconds():
    assert isinstance(judge(training(*LOGGING), ResidualPython()), Fine)
    own = (at(70, "statistics"),)
    assert isinstance(judge(training(*own), ResidualPython()), Finding)
    assert isinstance(judge(training(*own)), Fine)


def test_a_line_that_prints_is_known_by_its_source():
    lines = {"file": FILE, "lines": [20], "fetching": []}
    assert judge(training(output_lines=lines)).evidence[1].value == "print"
    assert isinstance(judge(training()), Fine)


@pytest.mark.parametrize("accelerated", [False, True])
def test_waiting_for_an_accelerator_is_not_writing(accelerated):
    made = training(output_lines={"file": FILE, "lines": [], "fetching": [20]})
    text = training(library("site-packages/torch/_tensor.py", "Tensor.__format__"), *LOGGING)
    for recording in (made, text):
        recording.gpu = {"time_ns": [1]} if accelerated else {}
        assert isinstance(judge(recording), Fine if accelerated else Finding)


def test_a_run_that_does_not_train_and_one_without_stacks_are_not_judged():
    made = training(*LOGGING)
    made.facts.attached.discard("stacks")
    assert isinstance(judge(made), NotMeasured)
    made = training(*LOGGING)
    made.steps["trained"][:] = False
    assert isinstance(judge(made), NotApplicable)


def test_one_report_names_the_writing_and_only_once():
    assert [ranked.finding.detector for ranked in diagnose(training(*LOGGING)).findings] == ["hot-logging"]


@pytest.mark.parametrize("waits", [False, True])
def test_a_thread_helps_only_where_the_loop_waits(waits):
    made = training(*LOGGING)
    if waits:
        written = made.stacks["arg"] == max(made.stacks["arg"])
        made.stacks["kind"][written] = signals.STACK_BLOCKED
    fix = judge(made).fix
    compile(fix.snippet, "snippet", "exec")
    assert ("background" in fix.summary, "background" in fix.snippet) == (waits, waits)


@given(st.floats(0.5, 200), st.integers(1, 50))
def test_the_gain_is_what_rarer_writing_leaves_out(ms, every):
    found = judge(training(*LOGGING, ms=ms, every=every))
    if isinstance(found, Finding):
        written = ms * (200 // every) / 1e3
        removed = sum(found.removes.values())
        assert 0 < removed < written * 1.02
        assert removed <= found.gain.seconds <= removed * 1.2 + 1e-9  # the rest of the step is quicker
        assert found.gain.seconds >= 0.5 * written * 0.9
        assert found.gain.low <= found.gain.share <= found.gain.high < 1


@pytest.mark.parametrize(
    ("source", "plain", "fetching"),
    [
        ("print('step', step, flush=True)", {1}, set()),
        ("print(f'{loss.item():.3f}')", set(), {1}),
        ("print(evaluate(model))", set(), set()),
        ("print(a @ b)", set(), set()),
        ("log.write(json.dumps(record) + '\\n')", {1}, set()),
        ("log.write(pickle.dumps(state))", set(), set()),
        ("json.dump(record, file)", {1}, set()),
        ("pickle.dump(state, file)", set(), set()),
        ("writer.writerow(\n    [epoch, round(loss, 4)])", {1, 2}, set()),
        ("os.fsync(log.fileno())", {1}, set()),
        ("with open('log', 'a') as log:\n    pass", {1}, set()),
        ("with open('data', 'rb') as data:\n    pass", set(), set()),
        ("with open('model.pt', 'wb') as file:\n    file.write(state)", set(), set()),
        ("total = loss.item()", set(), set()),
    ],
)
def test_lines_that_only_write(source, plain, fetching):
    assert find_output_lines(ast.parse(source)) == (plain, fetching)
