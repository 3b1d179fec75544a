"""Batches that are too small for what a step costs anyway: when that is said, and by what law."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
import torch
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.artifacts.training.batch_sizes import fixed_share
from bottleneck_profiler.collectors.support.forward import _rows
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.training.small_batch import SmallBatch
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from helpers import bottleneck
from hypothesis import given
from hypothesis import strategies as st
from typed import add

from training import programs


def training(*, epochs=10, size=4, samples=401, fixed=8.0, each=0.1, other=0.0, noise=0.0, **facts):
    """Passes of which each step takes ``fixed`` and so much for each sample, in milliseconds; ``noise``: varied."""
    program = programs.Program()
    random = np.random.default_rng(3)
    program.loader(1, **{"batch_size": size, "samples": samples, "drop_last": False, **facts})
    whole, rest = divmod(samples, size)
    sizes = [size] * whole + [rest] * (rest > 0)
    for _ in range(epochs):
        began = program.now
        program.phase(signals.LOADER_START, 0.1, arg=1)
        program.phase(signals.DATA_WAIT, 0.1, flags=signals.FIRST, arg=1)
        for step, count in enumerate(sizes, 1):
            ms = (fixed + each * count) * float(np.exp(noise * random.standard_normal()))
            program.phase(signals.FORWARD, 0.4 * ms)
            program.phase(signals.BACKWARD, 0.6 * ms)
            program.phase(0, other)
            program.phase(signals.DATA_WAIT, 0.1, flags=signals.END if step == len(sizes) else 0, arg=1)
        program.rows.append((0, 1, signals.LOOP, 1, began, program.now, 1))
    return program.recording()


def judge(made):
    artifacts = Artifacts(made)
    artifacts.put(Settings())
    return run_all([SmallBatch()], artifacts)["small-batch"]


def test_what_no_sample_adds_to_is_shared_by_more_of_them():
    made = training()
    found = judge(made)
    assert isinstance(found, Finding), found
    steps = 101 * 10 - 3
    assert found.gain.seconds == pytest.approx(steps * 8e-3 * 3 / 4, rel=0.01)  # 4 times larger: 25 steps in a pass
    assert found.gain.low < found.gain.share < found.gain.high < 1
    assert found.fix.risk == 0.4 and found.fix.edit is None and "batch_size=16)" in found.fix.snippet
    compile(found.fix.snippet, "snippet", "exec")
    diagnosis = diagnose(made)
    # How large a batch may be is the training's choice: it is said beside the findings.
    assert not diagnosis.findings
    assert [ranked.finding.detector for ranked in diagnosis.also_noticed] == ["small-batch"]


@pytest.mark.parametrize(
    "change",
    [
        {"fixed": 4.0, "each": 2.0},  # the samples are what costs
        {"fixed": 2.0, "each": 2.0, "noise": 1.0},  # and vary much besides
        {"epochs": 9},  # too short
        {"other": 40.0},  # the computing is little of the run
        {"epochs": 60, "samples": 73, "size": 4},  # a larger batch would leave hardly an update in a pass
    ],
)
def test_quiet_where_it_would_not_help_or_is_not_certain(change):
    assert isinstance(judge(training(**change)), Fine)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 4, "samples": 1601},  # too few smaller batches
        {"samples": 403},  # the last is nearly as large
    ],
)
def test_too_little_to_tell_is_not_measured(change):
    assert isinstance(judge(training(**change)), NotMeasured)


@pytest.mark.parametrize("change", [{"samples": 400}, {"drop_last": True}, {"samples": None}, {"batch_size": None}])
def test_one_size_alone_is_not_measured(change):
    facts = {"samples": 401, **change}
    made = training(**{name: value for name, value in change.items() if name == "drop_last"})
    made.facts.loaders[0, 1] = msgspec.structs.replace(made.facts.loaders[0, 1], **facts)
    assert isinstance(judge(made), NotMeasured)


@given(st.floats(1e-4, 1), st.floats(0, 1e-2), st.integers(2, 64), st.data())
def test_two_points_give_the_line(fixed, each, size, data):
    other = data.draw(st.integers(1, size - 1))
    share = fixed_share(size, fixed + each * size, other, fixed + each * other)
    assert share == pytest.approx(fixed / (fixed + each * size), abs=1e-6)
    assert fixed_share(size, 1.0, other, 2.0) == 1.0  # a smaller one that takes longer: nothing grows


PROGRAM = """
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, WeightedRandomSampler
class Stream(IterableDataset):
    def __iter__(self): return iter(range(10))
    def __len__(self): raise AssertionError("nobody asks")
data = TensorDataset(torch.ones(10, 2))
few = WeightedRandomSampler([1.0] * 10, 7)
for loader in (
    DataLoader(data, batch_size=4),
    DataLoader(data, batch_size=4, drop_last=True, sampler=few),
    DataLoader(data, batch_sampler=[[0, 1], [2]]),
    DataLoader(Stream(), batch_size=4),
):
    for batch in loader:
        pass
"""


def test_what_a_run_notes_of_its_loaders(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0, ran.err
    facts = [json.loads(line) for line in (ran.folder / "tables" / "facts.jsonl").read_text().splitlines()]
    assert not [fields for _, kind, fields in facts if kind == "failed"]
    seen = [(f["samples"], f["batch_size"], f["drop_last"]) for _, kind, f in facts if kind == "loader"]
    assert seen == [(10, 4, False), (7, 4, True), (10, None, False), (None, 4, False)]


def one_by_one(*, ms=0.6, steps=1200, rows=(1,), loader=None, acts=False):
    """A loop that trains on a sample at a time; ``loader``: the batch size of the one it goes over."""
    program = programs.Program()
    if loader:
        program.loader(1, batch_size=loader, samples=steps)
        program.phase(signals.DATA_WAIT, 0.1, flags=signals.FIRST, arg=1)
    for step in range(steps):
        program.phase(signals.FORWARD, 0.4 * ms, programs.at(12))
        program.phase(signals.BACKWARD, 0.5 * ms, programs.at(13))
        program.phase(signals.OPTIMIZER, 0.1 * ms, programs.at(14))
        program.phase(0, 0.2, programs.at(40, "Env.step" if acts else "take"), programs.at(11), programs.at(5))
        if loader:
            program.phase(signals.DATA_WAIT, 0.1, flags=signals.END if step == steps - 1 else 0, arg=1)
    for number in rows:
        add(program.facts, "forward", frames=[("train", programs.FILE, 12)], rows=number)
    return program.recording()


@pytest.mark.parametrize("loader", [None, 1], ids=["no loader", "batches of one"])
def test_one_sample_a_step_is_found_whatever_the_loop_goes_over(loader):
    found = judge(one_by_one(loader=loader))
    assert isinstance(found, Finding) and not found.hint, found
    assert "every single sample" in found.title and found.location.line == 12
    assert 0.7 < found.gain.step_share < 0.99 and found.gain.low < 0.5 * found.gain.share
    compile(found.fix.snippet, "snippet", "exec")


@pytest.mark.parametrize(
    "change",
    [{"ms": 6.0}, {"steps": 400}, {"rows": (32,)}, {"rows": (1, 32)}, {"rows": (0,)}, {"rows": ()}, {"acts": True}],
    ids=["large samples", "a short run", "batches", "not always", "unknown", "not noted", "an environment"],
)
def test_steps_that_need_no_larger_batches_are_not_found(change):
    assert not isinstance(judge(one_by_one(**change)), Finding)


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ((torch.rand(16),), 1),
        ((torch.rand(1, 16),), 1),
        ((3, torch.rand(32, 16)), 32),
        ((torch.rand(1, 3, 8, 8),), 1),
        ((torch.rand(1, 8, 16),), 0),  # a sequence, or one moment of eight
        ((torch.arange(16),), 0),  # tokens
        ((torch.nn.Parameter(torch.rand(16)),), 0),
        ((), 0),
    ],
)
def test_how_many_samples_a_forward_gets(values, rows):
    assert _rows(torch, values) == rows
    with torch.overrides.TorchFunctionMode():
        assert _rows(torch, values) == 0
