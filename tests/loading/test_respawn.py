"""Workers that every pass starts anew: when that is said, and what it is said to cost."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.epochs import Epochs
from bottleneck_profiler.artifacts.loading.loading import Loading
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.loading.input_wait import InputWait
from bottleneck_profiler.detectors.loading.worker_respawn import WorkerRespawn
from bottleneck_profiler.diagnosis.findings import QUEUE_SECONDS, Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.model import RECORD_DTYPE, Process, Site
from hypothesis import given, settings
from hypothesis import strategies as st
from training import programs

MS = programs.MS
MAKING = 10  # milliseconds for a batch, in all of these
QUEUE_MS = QUEUE_SECONDS * 1e3


class Program(programs.Program):
    """Passes over loaders with workers; each pass's first batch is made by a new worker 0, or by the first one."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def one_pass(self, loader, starting, steps=30, stopping=0, ends=True, seen=True, trains=True):
        """Milliseconds: ``starting`` before the first batch is begun, a third of it in ``iter()``; ``stopping``."""
        began = self.now
        persistent = self.facts.loaders[0, loader].persistent_workers
        mine = [p for p in self.facts.processes if p.loader == loader]
        if not mine or not persistent:
            self.facts.processes.append(Process(len(self.facts.processes), 90, role="worker", loader=loader, worker=0))
            mine = self.facts.processes[-1:]
        self.phase(signals.LOADER_START, starting / 3, arg=loader)
        self.phase(signals.DATA_WAIT, starting * 2 / 3 + MAKING, flags=signals.FIRST, arg=loader)
        if seen:
            self.batches.append((mine[0].index, 1, signals.BATCH, 8, self.now - MAKING * MS, self.now, 0))
        for step in range(1, steps + 1):
            if trains:
                self.train_step()
            else:
                self.phase(signals.EVAL, 9)
            if step < steps:
                self.phase(signals.DATA_WAIT, 1, arg=loader)
                if seen:
                    self.batches.append((mine[0].index, 1, signals.BATCH, 8, self.now - MAKING * MS, self.now, 0))
        if ends:
            self.phase(signals.DATA_WAIT, stopping, flags=signals.END, arg=loader)
            self.rows.append((0, 1, signals.LOOP, int(trains), began, self.now, loader))

    def artifacts(self, host=None):
        made = self.recording(host)
        made.samples = np.array(self.batches, RECORD_DTYPE) if self.batches else made.samples
        return Artifacts(made)


def program(epochs, starting=100, persistent=False, workers=2, **more):
    made = Program()
    made.loader(1, num_workers=workers, persistent_workers=persistent)
    for number in range(epochs):
        made.one_pass(1, starting if number == 0 or not persistent else 1, **more)
    return made


def judge(made):
    return run_all([WorkerRespawn()], made.artifacts())["worker-respawn"]


def test_starts_of_all_passes_but_the_first_can_go():
    made = program(5, starting=300, stopping=60)
    found = judge(made)
    assert isinstance(found, Finding)
    assert found.gain.seconds == pytest.approx(4 * (0.300 + 0.060 - QUEUE_SECONDS), rel=0.01)
    assert found.gain.low < found.gain.share < found.gain.high
    assert str(found.location) == "/user/train.py:10"
    assert "persistent_workers=True" in found.fix.snippet
    ast.parse(found.fix.snippet)


@pytest.mark.parametrize(
    "made",
    [
        program(1, starting=3000),
        program(2, starting=3000),
        program(5, starting=3000, persistent=True),
        program(5, starting=4),
    ],
    ids=["one pass", "two passes", "persistent", "cheap forks"],
)
def test_silent(made):
    assert isinstance(judge(made), Fine)


def test_without_workers_there_is_none_to_start():
    assert isinstance(judge(program(5, starting=3000, workers=0)), NotApplicable)


def test_two_percent_of_the_run_is_the_boundary():
    # Each pass: a start, 10 ms for its first batch, and 30 steps of 9 ms with 29 waits of 1 ms.
    below, above = (judge(program(20, starting=starting)) for starting in (6.0, 11.0))
    assert isinstance(below, Fine) and below.value < 0.02
    assert isinstance(above, Finding)


def test_making_the_first_batch_is_paid_anyhow():
    made = program(4, starting=0)
    (loader,) = made.artifacts().get(Epochs).loaders
    assert loader.restart_seconds == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)


def test_batches_that_nobody_saw_being_made_are_not_measured_rather_than_fine():
    assert isinstance(judge(program(5, starting=300, seen=False)), NotMeasured)


def test_a_pass_left_early_counts_its_start():
    found = judge(program(5, starting=300, ends=False))
    assert isinstance(found, Finding)
    assert found.gain.seconds == pytest.approx(4 * (0.300 - QUEUE_SECONDS), rel=0.01)


def with_validation(evaluation, epochs=4):
    """Training without restarts to speak of, and after each epoch a pass over a second loader."""
    made = Program()
    made.loader(1, num_workers=2, persistent_workers=True)
    made.loader(2, num_workers=2, site=2)
    made.facts.sites[0, 2] = Site(programs.FILE, 40, "main")
    for number in range(epochs):
        made.one_pass(1, 1)
        if number in evaluation:
            made.one_pass(2, 500, steps=3, trains=False)
    return made


def test_an_evaluation_loader_counts_too_and_one_that_is_used_once_does_not():
    found = judge(with_validation(range(4)))
    assert isinstance(found, Finding)
    assert found.location.line == 40
    assert found.removes["loader_start"] == 0 and found.removes["eval"] == pytest.approx(3 * 0.498, rel=0.01)
    assert isinstance(judge(with_validation([3])), Fine)


def test_two_loaders_are_one_finding_at_the_dearer_one():
    made = Program()
    made.loader(1, num_workers=2)
    made.loader(2, num_workers=2, site=2)
    made.facts.sites[0, 2] = Site(programs.FILE, 40, "main")
    for _ in range(4):
        made.one_pass(1, 300)
        made.one_pass(2, 200, steps=3, trains=False)
    found = judge(made)
    assert found.location.line == 10
    assert found.gain.seconds == pytest.approx(3 * (0.500 - 2 * QUEUE_SECONDS), rel=0.01)
    assert "line 40" in found.fix.snippet
    ast.parse(found.fix.snippet)


def test_an_evaluation_within_a_training_step_counts_what_its_start_took():
    made = Program()
    made.loader(1, num_workers=0)
    made.loader(2, num_workers=2)
    began = made.now
    made.phase(signals.DATA_WAIT, 2, flags=signals.FIRST, arg=1)
    for step in range(1, 61):
        made.train_step()
        if step % 15 == 0:
            made.one_pass(2, 300, steps=3, trains=False)
        made.phase(signals.DATA_WAIT, 2, flags=signals.END if step == 60 else 0, arg=1)
    made.rows.append((0, 1, signals.LOOP, 1, began, made.now, 1))
    (loader,) = made.artifacts().get(Epochs).loaders
    assert loader.epochs == 4
    assert ((loader.restart_seconds > 0) & (loader.restart_seconds <= 0.300)).all()


def test_stopping_workers_is_no_wait_for_data():
    host = {name: lambda time: 0.5 for name in ("busy_cores", "idle_cores")}
    artifacts = program(6, starting=300, stopping=400).artifacts(host)
    assert artifacts.get(Loading).wait_seconds.max() == pytest.approx(0.001, rel=0.01)
    assert isinstance(run_all([InputWait()], artifacts)["input-wait"], Fine)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(3, 4000), min_size=3, max_size=8), st.floats(0, 500))
def test_the_gain_is_what_was_recorded(starts, stopping):
    made = Program()
    made.loader(1, num_workers=1)
    for starting in starts:
        made.one_pass(1, starting, stopping=stopping)
    (loader,) = made.artifacts().get(Epochs).loaders
    expected = np.array(starts[1:]) + stopping
    assert loader.restart_seconds * 1e3 == pytest.approx(expected, abs=0.01)
    found = judge(made)
    if isinstance(found, Finding):
        saved = (expected - QUEUE_MS).sum() / 1e3
        assert found.gain.seconds == pytest.approx(saved, abs=0.001)
        assert 0 <= found.gain.low <= found.gain.share <= found.gain.high <= 0.99
    else:
        assert (expected - QUEUE_MS).sum() < 0.021 * (made.now + 100 * MS) / MS
