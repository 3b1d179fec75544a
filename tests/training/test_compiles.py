"""Compiling again: what counts, what it costs, and what a real run notes of torch.compile."""

from __future__ import annotations

import json

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.recompile import Recompile
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable
from helpers import bottleneck
from typed import add

from training import programs


def training(steps, *, compiled=(), ms=200, again=None, sizes=True, process=0, attached=True):
    """Steps of 11 ms; those in ``compiled`` compile within their forward."""
    program = programs.Program()
    program.loader(1)
    program.facts.attached |= {"compile"} if attached else set()
    done = []

    def after(step):
        if step not in compiled:
            return
        note = {"t0": program.now, "t1": program.now + ms * programs.MS, "frame": "0", "backward": False, "site": 2}
        count = len(done) if again is None else again
        add(program.facts, "compile", process=process, **note, again=count, sizes=sizes and count > 0)
        done.append(step)
        program.phase(signals.FORWARD, ms)

    program.epoch(steps, after=after)
    return program.recording()


def judge(made):
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([Recompile()], artifacts)["recompile"]


SOME = (1, 2, *range(10, 60, 5))


def test_all_but_one_of_those_again_are_saved():
    made = training(60, compiled=SOME)
    found = judge(made)
    assert isinstance(found, Finding), found
    again = len(SOME) - 1  # of which one is in warm-up
    assert found.gain.seconds == pytest.approx((again - 1) * 0.2, rel=1e-3)
    assert found.gain.low < found.gain.share < found.gain.high < 1
    assert found.location.line == 30 and "dynamic=True" in found.fix.snippet
    compile(found.fix.snippet, "snippet", "exec")


def test_where_it_is_no_size_the_advice_is_another():
    found = judge(training(60, compiled=SOME, sizes=False))
    assert "dynamic" not in found.fix.snippet
    compile(found.fix.snippet, "snippet", "exec")


@pytest.mark.parametrize(
    "made",
    [
        training(60),
        training(60, compiled=(1, 20, 40)),  # two of them again
        training(60, compiled=(1, 2, 3)),  # within warm-up
        training(60, compiled=SOME, again=0),  # one piece of code after the other
        training(60, compiled=SOME, ms=1),  # no noticeable time
        training(60, compiled=SOME, process=1),  # another process
    ],
    ids=["nothing", "few", "warm-up", "first", "short", "another process"],
)
def test_what_is_no_loss_is_fine(made):
    assert isinstance(judge(made), Fine)


def test_without_torch_compile_there_is_nothing_to_judge():
    assert isinstance(judge(training(60, attached=False)), NotApplicable)


PROGRAM = """
import torch
model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
compiled = torch.compile(model, backend="aot_eager", dynamic=False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(100):
    compiled(torch.ones(2 + step // 25, 4)).sum().backward()
    optimizer.step()
torch._dynamo.reset()
compiled(torch.ones(2, 4))
handler = torch._dynamo.callback_handler
print(len(handler.start_callbacks), len(handler.end_callbacks))
"""


def test_what_a_run_notes_of_its_compilations(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0 and ran.out == "1 1\n", ran.err
    facts = [json.loads(line) for line in (ran.folder / "tables" / "facts.jsonl").read_text().splitlines()]
    assert not [fields for _, kind, fields in facts if kind == "failed"]
    sites = {fields["id"]: fields["line"] for _, kind, fields in facts if kind == "site"}
    notes = [fields for _, kind, fields in facts if kind == "compile" and not fields["backward"]]
    seen = [(note["again"], note["sizes"], sites[note["site"]]) for note in notes]
    assert seen == [(0, False, 7), (1, True, 7), (2, True, 7), (3, True, 7), (0, False, 10)]
    # A compiled module is a forward like any other, also once its class is known.
    totals = json.loads((ran.folder / "run.json").read_text())["totals"]
    assert sum(count for _, phase, outer, count, _ in totals if (phase, outer) == (signals.FORWARD, 0)) == 101
    # What torch switches on while it compiles is not the user's.
    assert [fields["anomaly"] for _, kind, fields in facts if kind == "switches"] == [False]


def test_detaching_leaves_no_callback(tmp_path):
    import subprocess
    import sys

    code = """
import torch, torch._dynamo
handler = torch._dynamo.callback_handler
before = dict(vars(handler))
import bottleneck_profiler as bp
with bp.profile(stacks="off"):
    assert len(handler.start_callbacks) == 1
assert vars(handler) == before and not handler.start_callbacks and not handler.end_callbacks
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)
