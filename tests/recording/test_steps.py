"""The fold of phase records into step rows: exclusive, complete, and independent of how records arrive."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.capture.steps import StepBuilder
from bottleneck_profiler.recording.model import BY_OPTIMIZER, BY_USER, RECORD_DTYPE, STEP_PHASES, Table
from hypothesis import given, settings
from hypothesis import strategies as st

MS = 1_000_000


class Program:
    """Writes records on a fake clock, in the order in which the real hooks write them."""

    def __init__(self) -> None:
        self.now = 1_000 * MS
        self.rows: list[tuple[int, int, int, int, int, int, int]] = []

    def phase(self, kind: int, ms: int, outer: int = 0, flags: int = 0, arg: int = 0) -> None:
        t0 = self.now
        self.now += ms * MS
        self.rows.append((0, 1, kind, flags | outer, t0, self.now, arg))

    def event(self, kind: int, t0: int, flags: int, arg: int) -> None:
        self.rows.append((0, 1, kind, flags, t0, self.now, arg))

    def records(self) -> np.ndarray:
        return np.array(self.rows, dtype=RECORD_DTYPE)

    def epoch(self, steps: int, loader: int = 1, evaluate_every: int = 0, finish: bool = True) -> None:
        began = self.now
        self.phase(signals.LOADER_START, 1, arg=loader)
        self.phase(signals.DATA_WAIT, 10, flags=signals.FIRST, arg=loader)
        for step in range(steps):
            self.phase(signals.FORWARD, 3)
            self.phase(signals.BACKWARD, 4)
            self.phase(signals.OPTIMIZER, 2)
            if evaluate_every and step % evaluate_every == 0:
                self.evaluation(loader + 1)
            self.now += 5 * MS  # Python between the phases
            over = step == steps - 1 and finish
            if step < steps - 1 or finish:
                self.phase(signals.DATA_WAIT, 10, flags=signals.END if over else 0, arg=loader)
        if finish:
            self.event(signals.LOOP, began, 1, loader)

    def evaluation(self, loader: int) -> None:
        began = self.now
        self.phase(signals.DATA_WAIT, 2, flags=signals.FIRST, arg=loader)
        for step in range(3):
            self.phase(signals.EVAL, 6)
            self.phase(signals.DATA_WAIT, 2, flags=signals.END if step == 2 else 0, arg=loader)
        self.event(signals.LOOP, began, 0, loader)


def fold(records: np.ndarray, cuts: list[int]) -> Table:
    builder = StepBuilder(0)
    tables = []
    edges = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    for a, b in itertools.pairwise(edges):
        if b > a:
            builder.add(records[a:b])
            tables.append(builder.flush()[0])
    tables.append(builder.flush(final=True)[0])
    joined = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
    order = np.lexsort((joined["t0"], joined["loader"]))
    return {name: column[order] for name, column in joined.items()}


def of_loader(table: Table, loader: int) -> Table:
    return {name: column[table["loader"] == loader] for name, column in table.items()}


def test_phases_are_exclusive_and_add_up():
    program = Program()
    program.epoch(10)
    rows = of_loader(fold(program.records(), []), 1)
    assert len(rows["t0"]) == 10
    assert set(rows["forward"]) == {3000} and set(rows["backward"]) == {4000} and set(rows["optimizer"]) == {2000}
    assert set(rows["data_wait"]) == {10_000} and set(rows["other"]) == {5000}
    assert rows["trained"].all() and rows["optimized"].all()
    total = sum(rows[name] for name in STEP_PHASES)
    assert (total == (rows["t1"] - rows["t0"]) // 1000).all()


def test_an_evaluation_inside_a_step_is_one_phase():
    program = Program()
    program.epoch(9, evaluate_every=3)
    rows = of_loader(fold(program.records(), []), 1)
    assert len(rows["t0"]) == 9
    assert rows["eval"].tolist() == [26_000, 0, 0] * 3
    assert set(rows["data_wait"]) == {10_000}
    inner = of_loader(fold(program.records(), []), 2)
    assert len(inner["t0"]) == 9 and not inner["trained"].any()


def test_backward_inside_the_optimizer_counts_once():
    """Lightning runs forward and backward in the closure given to optimizer.step."""
    program = Program()
    program.phase(signals.DATA_WAIT, 1, flags=signals.FIRST, arg=1)
    for _ in range(4):
        t0 = program.now
        program.phase(signals.FORWARD, 3, outer=signals.OPTIMIZER)
        program.phase(signals.BACKWARD, 4, outer=signals.OPTIMIZER)
        program.now += 2 * MS
        program.event(signals.OPTIMIZER, t0, 0, 0)
        program.phase(signals.DATA_WAIT, 1, arg=1)
    rows = of_loader(fold(program.records(), []), 1)
    assert rows["forward"].tolist()[:4] == [3000] * 4
    assert rows["optimizer"].tolist()[:4] == [2000] * 4 and rows["other"].tolist()[:4] == [0] * 4


@pytest.mark.parametrize("cuts", [[], [3], [2, 30]])
def test_a_loader_that_is_asked_for_one_batch_is_no_loop(cuts: list[int]):
    program = Program()
    program.phase(signals.DATA_WAIT, 10, flags=signals.FIRST, arg=2)
    program.epoch(25)
    rows = fold(program.records(), cuts)
    assert len(of_loader(rows, 1)["t0"]) == 25 and not len(of_loader(rows, 2)["t0"])


def test_loops_without_a_loader_go_from_optimizer_step_to_optimizer_step():
    program = Program()
    for _ in range(8):
        program.now += 7 * MS
        program.phase(signals.FORWARD, 3)
        program.phase(signals.BACKWARD, 4)
        program.phase(signals.OPTIMIZER, 2)
    rows = of_loader(fold(program.records(), []), BY_OPTIMIZER)
    assert len(rows["t0"]) == 7 and set(rows["other"]) == {7000}


def test_a_loop_left_by_break_ends_its_last_step():
    program = Program()
    program.epoch(5, finish=False)
    program.now += 1000 * MS
    program.epoch(5)
    rows = of_loader(fold(program.records(), []), 1)
    assert len(rows["t0"]) == 10
    assert (rows["t1"] - rows["t0"]).max() < 100 * MS


@settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(1, 12),
    evaluate=st.integers(0, 4),
    epochs=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 150), max_size=6),
)
def test_how_records_arrive_does_not_matter(steps: int, evaluate: int, epochs: int, cuts: list[int]):
    program = Program()
    for _ in range(epochs):
        program.epoch(steps, evaluate_every=evaluate)
    whole, pieces = fold(program.records(), []), fold(program.records(), cuts)
    mine, theirs = of_loader(whole, 1), of_loader(pieces, 1)
    assert len(mine["t0"]) == steps * epochs
    for name in mine:
        assert mine[name].tolist() == theirs[name].tolist(), name


@pytest.mark.parametrize("steps", [200_000])
def test_a_long_run_stays_small_in_memory(steps: int):
    """What is pending is bounded although the loop never ends."""
    builder = StepBuilder(0)
    program = Program()
    program.epoch(2000, finish=False)
    block = program.records()
    span = program.now - 1_000 * MS
    for repeat in range(steps // 2000):
        shifted = block.copy()
        shifted["t0"] += repeat * span
        shifted["t1"] += repeat * span
        shifted["flags"] &= ~signals.FIRST if repeat else 0xFFFF
        builder.add(shifted)
        builder.flush()
        assert builder.size < 20_000


def test_users_steps_are_one_row_each_however_often_the_fold_is_flushed() -> None:
    program = Program()
    began = program.now
    for _ in range(30):
        t0 = program.now
        program.phase(signals.DATA_WAIT, 4)  # of the user's own iterable: no loader
        program.phase(signals.FORWARD, 3)
        program.event(signals.STEP, t0, 0, 7)
    program.event(signals.STEP, began, 0, 8)  # one around them all
    builder = StepBuilder(0)
    tables = []
    for record in program.records():
        builder.add(np.array([record]))
        tables.append(builder.flush()[0])
    tables.append(builder.flush(final=True)[0])
    rows = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    mine = rows["loader"] == BY_USER
    assert mine.sum() == 30
    assert not (rows["loader"] > 0).any()
    assert (rows["data_wait"][mine][1:] == 4000).all()
    assert (rows["forward"][mine][1:] == 3000).all()


def test_an_evaluation_inside_an_open_pass_is_folded_once() -> None:
    program = Program()
    program.epoch(10, evaluate_every=3)
    at_once = StepBuilder(0)
    at_once.add(program.records())
    builder = StepBuilder(0)
    tables = []
    for record in program.records():
        builder.add(np.array([record]))
        tables.append(builder.flush()[0])
    tables.append(builder.flush(final=True)[0])
    rows = np.concatenate([table["loader"] for table in tables])
    expected = at_once.flush(final=True)[0]["loader"]
    assert {int(n): int((rows == n).sum()) for n in np.unique(rows)} == {
        int(n): int((expected == n).sum()) for n in np.unique(expected)
    }
