"""Threads of an operation against the cores: what more of them would save, and operations too small to be split."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.intra_op_threads import IntraOpThreads
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.enrich.source.switch_lines import find_threads_lines
from helpers import bottleneck
from typed import add

from training import programs

LINE = {"file": "/user/train.py", "line": 7, "function": "main"}


def training(threads=1, operations=4, forward=10, backward=20, busy=1.0, idle=1.0, delay=0.0, gpu=False, cores=2):
    """Steps of so many ms, on one thread."""
    program = programs.Program()
    program.loader(1)

    def work(step):
        program.phase(signals.FORWARD, forward, programs.at(12))
        program.phase(signals.BACKWARD, backward, programs.at(13))

    program.epoch(60, after=work)
    add(program.facts, "threads", count=threads, operations=operations)
    add(program.facts, "threads_line", **LINE)
    host = {"idle_cores": lambda at: idle, "busy_cores": lambda at: busy}
    host |= {"cpu_ns_total": lambda at: busy * at, "run_delay_ns_total": lambda at: delay * at}
    made = program.recording(host)
    made.run["machine"]["cores"] = cores
    if gpu:
        made.gpu = {"time_ns": made.host["time_ns"], "index": made.host["time_ns"] * 0}
    return made


def judge(made):
    return run_all([IntraOpThreads()], Artifacts(made))["intra-op-threads"]


def test_large_operations_on_one_of_two_cores_are_priced_with_a_wide_range():
    found = judge(training())
    assert isinstance(found, Finding) and not found.hint and found.location.line == 7
    # 37 of 41 ms compute; on 1.75 cores they take 21.
    assert found.gain.step_share == pytest.approx(37 / 41 * (1 - 1 / 1.75), abs=0.02)
    low, share, high = found.gain.low, found.gain.share, found.gain.high
    assert 0.5 * share < low < share < high < 1.5 * share and high - low <= 0.25
    assert [ranked.finding.detector for ranked in diagnose(training()).findings] == ["intra-op-threads"]


@pytest.mark.parametrize(
    "made",
    [
        training(operations=200),  # 40 ms a step in operations of less than a tenth of a millisecond
        training(threads=2),
        training(busy=1.9, idle=0.1),
        training(threads=4, cores=4),
        training(threads=4, busy=1.9, idle=0.1),  # more than cores, and nobody waits for one
    ],
    ids=["small operations", "as many threads as cores", "no idle core", "four cores", "unused threads"],
)
def test_who_could_not_use_more_threads_is_fine(made):
    assert isinstance(judge(made), Fine)


def test_a_frozen_part_is_of_unknown_size():
    """A long forward without a graph says nothing of its operations."""
    assert isinstance(judge(training(forward=200, backward=6)), Fine)
    long, usual = (judge(training(forward=forward)).gain.seconds for forward in (200, 20))
    assert long <= 1.2 * usual


def test_too_many_threads_are_shown_aside():
    found = judge(training(threads=8, busy=1.9, idle=0.0, delay=3.0))
    assert isinstance(found, Finding) and found.hint and found.gain is None
    diagnosis = diagnose(training(threads=8, busy=1.9, idle=0.0, delay=3.0))
    assert diagnosis.verdict == "fine"
    assert [ranked.finding.detector for ranked in diagnosis.also_noticed] == ["intra-op-threads"]


def test_unknown_is_not_measured():
    assert isinstance(judge(training(operations=0)), NotMeasured)
    assert isinstance(judge(training(gpu=True)), NotApplicable)
    made = training()
    made.facts.notes.clear()
    answer = judge(made)
    assert isinstance(answer, NotMeasured) and "accelerator" not in answer.reason


def test_waiting_workers_leave_less_to_save():
    """Where workers set the pace, a faster step only waits longer."""
    alone = judge(training()).gain.seconds
    made = training()
    made.steps["data_wait"] += 40_000
    made.steps["t1"] = made.steps["t0"][0] + np.cumsum(made.steps["t1"] - made.steps["t0"] + 40_000_000)
    made.steps["t0"] = np.append(made.steps["t0"][:1], made.steps["t1"][:-1])
    assert judge(made).gain.seconds <= alone * 1.01


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch\ntorch.set_num_threads(1)", [(2, "<module>")]),
        ("def main():\n    set_num_threads(N)", [(2, "main")]),
        ("import os\nos.environ['OMP_NUM_THREADS'] = '1'", [(2, "<module>")]),
        ("import os\nos.environ.setdefault('MKL_NUM_THREADS', '1')", [(2, "<module>")]),
        ("os.environ['OMP_NUM_THREADS'] = '1'\ntorch.set_num_threads(1)", [(2, "<module>")]),
        ("torch.set_num_interop_threads(1)", []),
    ],
)
def test_lines_that_set_the_number(source, found):
    assert find_threads_lines(ast.parse(source)) == found


PROGRAM = """
import torch
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(40):
    optimizer.zero_grad()
    model(torch.ones(4, 8)).sum().backward()
    optimizer.step()
torch.set_num_threads(2)
print(torch.get_num_threads())
"""


def test_threads_and_operations_are_read_from_torch(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    ran = bottleneck(tmp_path, script)
    assert (ran.code, ran.out) == (0, "2\n"), ran.err
    lines = (ran.folder / "tables" / "facts.jsonl").read_text().splitlines()
    facts = [ast.literal_eval(line) for line in lines if '"threads"' in line]
    # Linear (a product and its weight turned over), ReLU, Linear, sum
    assert [fields for _, _, fields in facts] == [{"count": 1, "operations": 6}]


def test_a_function_in_python_hides_its_operations():
    torch = pytest.importorskip("torch")
    from bottleneck_profiler.collectors.torch import _operations
    from torch.utils.checkpoint import checkpoint

    model, x = torch.nn.Linear(8, 8), torch.ones(4, 8, requires_grad=True)
    hiding = torch._C._FunctionBase
    assert _operations(model(x).sum(), hiding) == 3
    assert _operations([model(x), model(x)], hiding) == 4
    assert _operations(checkpoint(model, x, use_reentrant=True).sum(), hiding) == 0
    assert _operations(torch.nn.LSTM(8, 8)(x)[0].sum(), hiding) == 0
    assert _operations(torch.ones(1), hiding) == _operations(None, hiding) == 0
