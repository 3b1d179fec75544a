"""A long run is read and judged without copies of its tables."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bottleneck_profiler.artifacts.etl.spans import merged, overlap
from bottleneck_profiler.artifacts.etl.stages import _covered_ns
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.files import write_json
from bottleneck_profiler.recording.intervals import gaps, spans_of, union, within
from bottleneck_profiler.recording.model import BY_USER, empty_steps
from bottleneck_profiler.recording.notes import append_notes
from bottleneck_profiler.recording.read import load
from hypothesis import given
from hypothesis import strategies as st

PART, PARTS = 50_000, 4
ROWS = PART * PARTS


@pytest.fixture
def long_run(tmp_path: Path) -> Path:
    (tmp_path / "tables").mkdir()
    for part in range(PARTS):
        t0 = (np.arange(PART) + part * PART) * 1_000_000 + 1000
        columns = {name: np.zeros(PART, column.dtype) for name, column in empty_steps().items()}
        columns.update(t0=t0, t1=t0 + 900_000, loader=np.full(PART, BY_USER, "i4"), other=np.full(PART, 900, "i4"))
        pq.write_table(pa.table(columns), tmp_path / "tables" / f"steps-{part + 1:05d}.parquet")
    hello = {"pid": 7, "ppid": 1, "time_ns": 100, "role": "main", "python": "3.11.7"}
    append_notes(tmp_path, [(0, "hello", hello), (0, "ready", {"time_ns": 500})])
    run = {"format": "bottleneck.run", "version": 1, "started_ns": 1, "ended_ns": ROWS * 1_000_000, "exit_code": 0}
    write_json(tmp_path / "run.json", run)
    return tmp_path


def peak(action: Callable[[], Any]) -> tuple[Any, int]:
    """(result, most bytes of Python and numpy that it held above what there was before)."""
    tracemalloc.start()
    try:
        return action(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_tables_are_read_once_and_not_copied(long_run: Path):
    recording, most = peak(lambda: load(long_run))
    size = sum(column.nbytes for column in recording.steps.values())
    assert len(recording.steps["t0"]) == ROWS and (np.diff(recording.steps["t0"]) > 0).all()
    assert {name: column.dtype for name, column in recording.steps.items()} == {
        name: column.dtype for name, column in empty_steps().items()
    }
    assert most < 1.2 * size
    diagnosis, most = peak(lambda: diagnose(recording))
    assert diagnosis.run.steps == ROWS and most < size


Pairs = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda p: (p[0], p[0] + p[1])), max_size=9)


@given(pairs=Pairs, start=st.integers(-3, 20), length=st.integers(1, 20))
def test_unions_gaps_and_overlaps(pairs: list[tuple[int, int]], start: int, length: int):
    end = start + length
    covered = union([spans_of([a for a, _ in pairs], [b for _, b in pairs])])
    instants = np.arange(-5, 45)  # each stands for the time (t - 1, t]
    inside = np.array([any(a < t <= b for a, b in pairs) for t in instants])
    assert (within(instants, covered[:, 0], covered[:, 1]) == inside).all()
    free = [t for t, known in zip(instants.tolist(), inside, strict=True) if start < t <= end and not known]
    assert [t for a, b in gaps(covered, start, end).tolist() for t in range(a + 1, b + 1)] == free
    assert _covered_ns((start, end), covered) == overlap((start, end), merged(pairs)) == length - len(free)
