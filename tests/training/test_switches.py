"""Anomaly detection that was left on: its line, what it takes, and that nobody looked where that is so."""

from __future__ import annotations

import ast

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.anomaly_detection_on import AnomalyDetectionOn
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.enrich.source.switch_lines import enrich, find_switch_lines
from bottleneck_profiler.recording.facts import SwitchLine
from bottleneck_profiler.recording.model import Frame
from helpers import bottleneck
from typed import add

from training import programs

FORMAT = Frame("format_stack", "/lib/python3/traceback.py", 200, False)
LAYER = Frame("Linear.forward", "/lib/torch/nn/modules/linear.py", 120, False)


KEEPING = (FORMAT, LAYER, programs.at(12))


def training(*notes, frames=KEEPING, ms=0.0, process=0):
    """Steps of 11 ms, and so many more in these frames of the forward."""
    program = programs.Program()
    program.loader(1)
    program.epoch(60, after=lambda step: program.phase(signals.FORWARD, ms, *frames) if ms else None)
    for kind, fields in notes:
        add(program.facts, kind, process=process, **fields)
    return program.recording()


def judge(made):
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([AnomalyDetectionOn()], artifacts)["anomaly-detection-on"]


ON, OFF = ("switches", {"anomaly": True}), ("switches", {"anomaly": False})
LINE = ("switch_line", {"file": "/user/train.py", "line": 8, "function": "main"})


def test_keeping_call_stacks_is_priced():
    found = judge(training(ON, LINE, ms=9))
    assert isinstance(found, Finding) and not found.hint
    assert found.location.line == 8 and set(found.removes) == {"forward"}
    assert found.gain.step_share == pytest.approx(9 / 20, abs=0.01)
    assert found.gain.seconds == pytest.approx(sum(found.removes.values()))
    assert found.gain.low < found.gain.share < found.gain.high < 1
    compile(found.fix.snippet, "snippet", "exec")
    assert [ranked.finding.detector for ranked in diagnose(training(ON, LINE, ms=9)).findings] == [
        "anomaly-detection-on"
    ]


@pytest.mark.parametrize(
    "frames",
    [(LAYER, programs.at(12)), (FORMAT, programs.at(12)), (programs.at(70, "log"), FORMAT, LAYER)],
    ids=["no stacks kept", "by the user's own line", "in the user's own function"],
)
def test_other_time_is_not_charged_to_the_switch(frames):
    assert judge(training(ON, frames=frames, ms=9)).hint


def test_it_costs_nothing_where_it_is_off():
    assert isinstance(judge(training(OFF, ms=9)), Fine)


def test_little_of_it_is_a_hint_that_leaves_a_run_healthy():
    found = judge(training(ON, LINE))
    assert isinstance(found, Finding) and found.hint and found.gain is None
    assert (found.location.line, found.location.function) == (8, "main")
    compile(found.fix.snippet, "snippet", "exec")
    diagnosis = diagnose(training(ON, LINE))
    assert diagnosis.verdict != "findings" and diagnosis.findings == ()
    assert [ranked.finding.detector for ranked in diagnosis.also_noticed] == ["anomaly-detection-on"]


def test_off_is_fine_and_not_looked_at_is_not_measured():
    assert isinstance(judge(training(OFF)), Fine)
    assert isinstance(judge(training()), NotMeasured)
    assert isinstance(judge(training(ON, process=1)), NotMeasured)  # another process, such as a worker
    assert judge(training(ON)).location is None


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch\ntorch.autograd.set_detect_anomaly(True)", [(2, "<module>")]),
        ("def main():\n    set_detect_anomaly(DEBUG)", [(2, "main")]),
        ("with torch.autograd.detect_anomaly():\n    train()", [(1, "<module>")]),
        ("trainer = Trainer(detect_anomaly=True)", [(1, "<module>")]),
        ("torch.autograd.set_detect_anomaly(False)", []),
        ("trainer = Trainer(detect_anomaly=False)", []),
    ],
)
def test_lines_that_switch_it_on(source, found):
    assert find_switch_lines(ast.parse(source)) == found


@pytest.mark.parametrize(("calls", "named"), [(1, True), (2, False)])
def test_of_two_lines_none_is_named(tmp_path, calls, named):
    file = tmp_path / "train.py"
    file.write_text("import torch\n" + "torch.autograd.set_detect_anomaly(True)\n" * calls)
    recording = training(ON)
    facts = recording.facts
    facts.stacks[0, 99] = (Frame("<module>", str(file), 2, True),)
    enrich(tmp_path, recording)
    assert bool(facts.of(SwitchLine)) == named


PROGRAM = """
import torch
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(40):
    with torch.autograd.set_detect_anomaly({condition}):
        optimizer.zero_grad()
        model(torch.ones(4, 8)).sum().backward()
        optimizer.step()
"""


@pytest.mark.parametrize(("condition", "on"), [("True", True), ("step < 3", False)])
def test_torch_is_asked_while_the_backward_runs(tmp_path, condition, on):
    script = tmp_path / "train.py"
    script.write_text(PROGRAM.format(condition=condition))
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0, ran.err
    noticed = [finding["detector"] for finding in ran.diagnosis["also_noticed"]]
    assert ("anomaly-detection-on" in ran.found + noticed) == on
