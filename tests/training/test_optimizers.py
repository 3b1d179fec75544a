"""An optimizer that goes tensor by tensor: what it would cost otherwise, when that is said, and what a run notes."""

from __future__ import annotations

import json
import sys

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training._optimizer_law import cost_us
from bottleneck_profiler.detectors.training.optimizer_step import OptimizerStep
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.model import Frame, Site
from helpers import bottleneck
from hypothesis import given
from hypothesis import strategies as st
from typed import add

from training import programs

LOOP = Frame("_single_tensor_adam", "/lib/torch/optim/adam.py", 400, False)
FUSED = Frame("_fused_adam", "/lib/torch/optim/adam.py", 700, False)
ADAM = {
    **{"site": 7, "name": "Adam", "momentum": False, "fused": False, "can_fuse": True, "foreach": False},
    **{"groups": 1, "device": "cpu", "sizes": [(6, 120), (11, 120)], "torch": "2.13.0+cpu"},
}


def training(*optimizers, frame=LOOP, ms=9.0):
    """Steps of 9 ms and so many more in the optimizer."""
    program = programs.Program()
    program.loader(1)
    program.facts.sites[0, 7] = Site("/user/train.py", 5, "main")
    step = (frame, Frame("Adam.step", "/lib/torch/optim/adam.py", 200, False), programs.at(14))
    program.epoch(60, after=lambda _: program.phase(signals.OPTIMIZER, ms, *step))
    for fields in optimizers:
        add(program.facts, "optimizer", **fields)
    return program.recording()


def judge(made):
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([OptimizerStep()], artifacts)["optimizer-step"]


def test_the_loop_is_priced_by_what_one_operation_leaves():
    found = judge(training(ADAM))
    assert isinstance(found, Finding), found
    assert (found.location.line, found.location.function) == (5, "main")
    left = cost_us("Adam", "fused", [(48, 120), (1536, 120)]) / cost_us("Adam", "loop", [(48, 120), (1536, 120)])
    # Of 20 ms, 9 are in the loop and 2 in another optimizer.
    assert found.gain.step_share == pytest.approx(9 / 20 * (1 - left), abs=0.01)
    assert found.gain.low < found.gain.share < found.gain.high < 1
    assert found.fix.edit.values == {"fused": "True"} and found.fix.edit.function == "torch.optim.Adam"
    assert found.gain.seconds == pytest.approx(found.removes["optimizer"])


@pytest.mark.parametrize(
    ("change", "frame", "ms"),
    [
        ({"fused": True}, FUSED, 9),
        ({"sizes": [(6, 8)]}, LOOP, 9),  # a small model
        ({"name": ""}, LOOP, 9),  # nobody knows what its step does
        ({"device": "cuda"}, LOOP, 9),
        ({"name": "SGD", "sizes": [(21, 60)]}, LOOP, 9),  # memory is what limits, either way
        ({"name": "RMSprop", "can_fuse": False, "sizes": [(17, 60)]}, LOOP, 9),
        ({"torch": "2.3.1", "sizes": [(17, 60)]}, LOOP, 9),  # cannot fuse on a CPU yet
    ],
)
def test_what_a_change_would_not_help_is_fine(change, frame, ms):
    assert isinstance(judge(training({**ADAM, **change}, frame=frame, ms=ms)), Fine)


def test_a_small_part_of_the_step_is_sampled_too_rarely_to_tell():
    assert isinstance(judge(training(ADAM, ms=0.1)), NotMeasured)


def test_few_large_tensors_gain_too():
    assert isinstance(judge(training({**ADAM, "sizes": [(22, 4)]})), Finding)


def test_many_small_tensors_of_a_class_that_cannot_fuse():
    found = judge(training({**ADAM, "name": "RMSprop", "can_fuse": False}))
    assert found.fix.edit.values == {"foreach": "True"}


def test_of_two_the_larger_is_named_and_only_its_part_is_saved():
    alone = judge(training(ADAM)).gain.seconds
    small = {**ADAM, "site": 0, "sizes": [(6, 60)]}
    found = judge(training(small, ADAM))
    assert found.location.line == 5 and 0.7 * alone < found.gain.seconds < 0.95 * alone


def test_without_an_optimizer_there_is_nothing_to_judge():
    assert isinstance(judge(training()), NotApplicable)


SIZES = st.lists(st.tuples(st.floats(1, 1e8), st.integers(1, 500)), min_size=1, max_size=5)


@given(SIZES, SIZES, st.sampled_from(["Adam", "AdamW", "Adagrad", "SGD momentum"]))
def test_the_law_adds_up_and_fused_never_costs_more(first, second, name):
    loop, fused = (cost_us(name, way, first + second) for way in ("loop", "fused"))
    assert loop == pytest.approx(cost_us(name, "loop", first) + cost_us(name, "loop", second))
    assert 0 < fused <= loop


def test_more_values_cost_more():
    costs = [cost_us("Adam", "loop", [(2.0**bits, 1)]) for bits in range(6, 30)]
    assert costs == sorted(costs) and cost_us("Lion", "loop", [(64, 1)]) is None


PROGRAM = """
import pickle, torch
from torch.optim import AdamW
class Mine(torch.optim.SGD):
    def __init__(self, parameters):
        super().__init__(parameters, lr=0.1)
model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Linear(4, 1))
optimizers = [
    AdamW(model[0].parameters(), fused=True),
    Mine(model[1].parameters()),
]
for step in range(30):
    model(torch.ones(4, 8)).sum().backward()
    for optimizer in optimizers:
        optimizer.step()
pickle.loads(pickle.dumps(optimizers[0])).step()
try:
    torch.optim.SGD([])
except ValueError as error:
    print(error)
"""


def test_what_a_run_notes_of_its_optimizers(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0 and "empty parameter list" in ran.out, ran.err
    facts = [json.loads(line) for line in (ran.folder / "tables" / "facts.jsonl").read_text().splitlines()]
    sites = {fields["id"]: fields["line"] for _, kind, fields in facts if kind == "site"}
    first, second = [fields for _, kind, fields in facts if kind == "optimizer"][:2]
    assert (first["name"], first["fused"], first["can_fuse"], sites[first["site"]]) == ("AdamW", True, True, 9)
    assert first["sizes"] == [[3, 1], [6, 1]] and first["device"] == "cpu" and first["groups"] == 1
    assert (second["name"], second["fused"]) == ("", False)
    assert not [kind for _, kind, _ in facts if kind == "failed"]


def test_detaching_gives_the_same_constructor_back(tmp_path):
    import subprocess

    code = """
import torch
before, code = torch.optim.Optimizer.__init__, torch.optim.Optimizer.__init__.__code__
import bottleneck_profiler as bp
with bp.profile():
    assert torch.optim.Optimizer.__init__ is before and before.__code__ is not code
assert torch.optim.Optimizer.__init__ is before and before.__code__ is code
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, timeout=120)
