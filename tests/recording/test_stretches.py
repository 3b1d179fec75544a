"""Fast steps are recorded in full at random; the others are estimated, and nothing of the run is missing."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.capture.steps import StepBuilder
from bottleneck_profiler.collectors.support import governor as governing
from bottleneck_profiler.collectors.support.governor import BLOCK, MOST, PIECE_NS, Governor, governor_of
from bottleneck_profiler.recording.model import RECORD_DTYPE, STEP_PHASES, Table
from bottleneck_profiler.recording.stretches import ESTIMATED, empty_rows, expanded
from hypothesis import given, settings
from hypothesis import strategies as st

US = 1_000
LOADER = 3
Length = Callable[[int], int]  # step -> microseconds


class Ring:
    """What the hooks do with a ring, on a fake clock."""

    def __init__(self) -> None:
        self.now = 1_000_000 * US
        self.rows: list[tuple[int, int, int, int, int, int, int]] = []
        self.skip, self.infers, self.governors, self.clock = 0, False, {}, None
        self.truth: dict[str, int] = {}

    def put(self, kind: int, flags: int, t0: int, t1: int, arg: int) -> None:
        self.rows.append((0, 1, kind, flags, t0, t1, arg))

    def skipped(self, count: int, t0: int, t1: int, loop: int, flags: int) -> None:
        self.put(signals.SKIPPED, flags, t0, t1, loop | count << 32)

    def count(self, phase: int) -> int:
        return sum(row[2] == phase for row in self.rows)

    def phase(self, kind: int, microseconds: int, flags: int = 0, arg: int = 0, rare: bool = False) -> None:
        t0 = self.now
        self.now += microseconds * US
        name = signals.PHASES[kind]
        self.truth[name] = self.truth.get(name, 0) + microseconds
        if rare or not self.skip:
            self.put(kind, flags, t0, self.now, arg)

    def python(self, microseconds: int) -> None:
        self.now += microseconds * US
        self.truth["other"] = self.truth.get("other", 0) + microseconds


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    made = Ring()
    monkeypatch.setattr(governing, "now", lambda: made.now)
    return made


def constant(microseconds: int) -> Length:
    return lambda step: microseconds


def over_a_loader(
    ring: Ring, steps: int, forward: Length, python: Length, saves: int = 0, leaves: bool = False
) -> Governor:
    """A pass as the DataLoader's hook governs it. ``saves``: every so many steps; ``leaves``: by break."""
    governor = Governor(ring.now)
    governor.begin(ring, ring.now, governor)
    ring.phase(signals.DATA_WAIT, 40, flags=signals.FIRST, arg=LOADER)
    for step in range(1, steps + 1):
        ring.phase(signals.FORWARD, forward(step))
        ring.phase(signals.BACKWARD, 50)
        ring.phase(signals.OPTIMIZER, 20)
        ring.python(python(step))
        if saves and step % saves == 0:
            ring.phase(signals.CHECKPOINT, 5_000, rare=True)
        if step == steps and leaves:
            governor.end(ring, ring.now, LOADER, signals.END)
            break
        skipped, over = governor.left, step == steps
        ring.phase(signals.DATA_WAIT, 40, flags=signals.END if over else 0, arg=LOADER)
        if over and skipped:
            governor.left -= 1
            governor.end(ring, ring.now, LOADER)
            ring.put(signals.DATA_WAIT, signals.END, ring.now, ring.now, LOADER)
        elif skipped:
            governor.passed(ring, LOADER)
        elif not over:
            governor.step(ring, ring.now)
    return governor


def rows_of(ring: Ring, pieces: int = 1) -> tuple[Table, int]:
    """(one row per step, how many of them were recorded in full)"""
    records = np.array(ring.rows, dtype=RECORD_DTYPE)
    builder = StepBuilder(0)
    tables = [empty_rows()]
    edges = [len(records) * piece // pieces for piece in range(pieces + 1)]
    for begin, end in itertools.pairwise(edges):
        builder.add(records[begin:end])
        tables.append(builder.flush(final=end == len(records))[0])
    table = {name: np.concatenate([part[name] for part in tables]) for name in tables[0]}
    order = np.argsort(table["t0"], kind="stable")
    return expanded({name: column[order] for name, column in table.items()})


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("steps", [100, 500, 5_003])
def test_every_step_has_a_row_and_no_time_is_missing(ring: Ring, steps: int, pieces: int):
    over_a_loader(ring, steps, constant(60), constant(30))
    rows, full = rows_of(ring, pieces)
    assert len(rows["t0"]) == steps
    assert full == steps if steps < BLOCK else full < steps
    assert (rows["t0"][1:] == rows["t1"][:-1]).all()
    assert rows["trained"].all() and rows["optimized"].all()
    whole = sum(int(rows[name].sum()) for name in STEP_PHASES)
    assert whole == pytest.approx((rows["t1"][-1] - rows["t0"][0]) / US, rel=0.01)


@pytest.mark.parametrize(("microseconds", "k"), [(200, 64), (1_000, 36), (2_000, 9), (3_000, 4), (6_000, 1)])
def test_the_shorter_the_steps_the_fewer_are_recorded_in_full(ring: Ring, microseconds: int, k: int):
    assert over_a_loader(ring, 2_000, constant(microseconds - 140), constant(30)).k == k
    assert any(row[2] == signals.SKIPPED for row in ring.rows) == (k > 1)


def test_a_loop_whose_steps_become_slow_is_soon_recorded_in_full(ring: Ring):
    over_a_loader(ring, 2_000, lambda step: 60 if step < 1_000 else 20_000, constant(30))
    in_full = [row for row in ring.rows if row[2] == signals.FORWARD and row[5] - row[4] > 10_000 * US]
    assert len(in_full) > 900


def test_a_kill_loses_little_of_a_stretch(ring: Ring):
    over_a_loader(ring, 3_000, constant(1_000 - 140), constant(30))
    pieces = [row[5] - row[4] for row in ring.rows if row[2] == signals.SKIPPED]
    assert max(pieces) <= PIECE_NS and len(pieces) > 100


def test_the_device_is_timed_only_in_steps_that_are_recorded_in_full(ring: Ring):
    seen: list[object] = []
    ring.clock = SimpleNamespace(
        pause=lambda: seen.append("pause"), mark=lambda ring, border, at: seen.append((border, ring.skip, at))
    )
    over_a_loader(ring, 3_000, constant(860), constant(30))
    marks = [each for each in seen if each != "pause"]
    assert seen[0] == "pause" and len(marks) > 30
    assert all((one == "pause") != (other == "pause") for one, other in itertools.pairwise(seen))
    assert {border for border, _, _ in marks} == {signals.DATA_WAIT | signals.DEVICE_END}
    assert not any(skip for _, skip, _ in marks)


@pytest.mark.parametrize("every", [2, 19, 20, 21, MOST, 40])
def test_what_comes_in_a_cadence_of_k_is_not_missed_or_counted_k_times(ring: Ring, every: int):
    steps = 60_000  # about 3,500 of them in full: what one in 20 does is known to about 8 %
    over_a_loader(ring, steps, lambda step: 60 if step % every else 600, lambda step: 10 if step % every else 400)
    rows, full = rows_of(ring, 5)
    assert full < steps / 4
    assert len(rows["t0"]) == steps
    for name in ("other", "forward", "backward", "optimizer"):
        assert int(rows[name].sum()) == pytest.approx(ring.truth[name], rel=0.2), name


def test_a_pause_that_no_step_in_full_saw_counts_as_other_code(ring: Ring):
    over_a_loader(ring, 10_000, constant(60), lambda step: 30 if step % 700 else 40_000)
    rows, _ = rows_of(ring)
    for name in ("other", "forward", "backward"):
        assert int(rows[name].sum()) == pytest.approx(ring.truth[name], rel=0.1), name


def test_a_save_keeps_a_step_of_its_own(ring: Ring):
    over_a_loader(ring, 6_000, constant(60), constant(30), saves=500)
    rows, _ = rows_of(ring)
    assert len(rows["t0"]) == 6_000
    assert int((rows["checkpoint"] > 0).sum()) == 12
    assert int(rows["checkpoint"].sum()) == pytest.approx(ring.truth["checkpoint"], rel=0.01)
    assert rows["trained"].all()
    typical = np.median(rows["t1"] - rows["t0"])
    assert ((rows["t1"] - rows["t0"] > 5 * typical) == (rows["checkpoint"] > 0)).all()


def test_a_loop_that_is_left_in_a_stretch_keeps_its_steps(ring: Ring):
    for steps in range(3_000, 3_016):
        ring.rows.clear()
        over_a_loader(ring, steps, constant(60), constant(30), leaves=True)
        ring.python(50)
        assert abs(len(rows_of(ring)[0]["t0"]) - steps) <= 1
        assert ring.skip == 0


def test_the_last_stretch_of_a_loop_without_a_loader_is_kept_when_the_program_ends(ring: Ring):
    for steps in range(3_000, 3_016):
        ring.rows.clear()
        governor = Governor(ring.now)
        for _ in range(steps):
            skipped = governor.left
            ring.phase(signals.FORWARD, 60)
            ring.phase(signals.BACKWARD, 50)
            ring.phase(signals.OPTIMIZER, 20)
            ring.python(30)
            governor.passed(ring, 0) if skipped else governor.step(ring, ring.now)
        ended = ring.now
        ring.python(1_000_000)  # the program does something else, and ends
        governor.leave(ring)
        stretches = [row for row in ring.rows if row[2] == signals.SKIPPED]
        assert sum(row[2] == signals.OPTIMIZER for row in ring.rows) + sum(row[6] >> 32 for row in stretches) == steps
        assert stretches[-1][5] <= ended + 100 * US


def test_loaders_that_one_line_makes_are_governed_apart_while_one_runs_in_the_other(ring: Ring):
    recorder = SimpleNamespace(options={})
    outer = governor_of(recorder, ring, 7, ring.now)
    outer.begin(ring, ring.now, "outer")
    inner = governor_of(recorder, ring, 7, ring.now)
    assert inner is not outer
    inner.begin(ring, ring.now, "inner")
    inner.pause(ring.now)
    assert governor_of(recorder, ring, 7, ring.now) is inner
    outer.pause(ring.now)
    assert governor_of(recorder, ring, 7, ring.now) is outer
    assert governor_of(SimpleNamespace(options={"window": "5"}), ring, 7, ring.now) is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10**7), st.integers(0, 10**5)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_expanding_keeps_the_sums_and_the_edges(stored: list[tuple[int, int, int]]):
    rows = empty_rows()
    ends = np.cumsum([length for _, length, _ in stored])
    rows = {name: np.zeros(len(stored), column.dtype) for name, column in rows.items()}
    rows["t1"], rows["t0"] = ends, ends - [length for _, length, _ in stored]
    rows["forward"] = np.array([forward for _, _, forward in stored], "i4")
    rows[ESTIMATED] = np.array([repeats for repeats, _, _ in stored], "i4")
    found, full = expanded(rows)
    assert full == sum(repeats == 0 for repeats, _, _ in stored)
    assert len(found["t0"]) == sum(max(1, repeats) for repeats, _, _ in stored)
    assert int(found["forward"].sum()) == sum(forward for _, _, forward in stored)
    assert (found["t0"][1:] == found["t1"][:-1]).all()
    assert found["t0"][0] == 0 and found["t1"][-1] == ends[-1]


def test_the_program_keeps_its_random_numbers(ring: Ring):
    random.seed(1)
    expected = random.random()
    random.seed(1)
    over_a_loader(ring, 2_000, constant(60), constant(30))
    assert random.random() == expected
