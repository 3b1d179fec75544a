"""The ETL detectors on recordings built in memory: when they fire, when they are silent, and what they promise."""

from __future__ import annotations

import ast
import json

import numpy as np
import pytest
from bottleneck_profiler.detectors import run
from bottleneck_profiler.detectors.etl.csv_instead_of_parquet import CsvInsteadOfParquet
from bottleneck_profiler.detectors.etl.no_projection import NoProjection
from bottleneck_profiler.detectors.etl.row_wise_python import RowWisePython
from bottleneck_profiler.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.recording import probe
from bottleneck_profiler.timeline import Artifacts
from bottleneck_profiler.timeline.etl import Etl, merged, overlap
from bottleneck_profiler.timeline.tables import RECORD_DTYPE, Facts, Process, Recording, Site
from hypothesis import given
from hypothesis import strategies as st

SECOND = 1_000_000_000


def recording(*notes, attached=("pandas", "csv"), seconds=10.0, bye=True):
    empty = np.empty(0, RECORD_DTYPE)
    facts = Facts(processes=[Process(0, 1, bye_ns=SECOND if bye else 0)], attached=set(attached))
    facts.sites[0, 1] = Site("/home/me/train.py", 12, "load")
    facts.notes = [(0, kind, fields) for kind, fields in notes]
    steps = {name: np.empty(0, "i8") for name in ("process", "loader", "t0", "t1", "trained")}
    return Recording({}, facts, steps, empty, empty, empty, empty, {}, {}, 0, int(seconds * SECOND))


def read(start, seconds, number=1, form="csv", cpu=1.0, columns=("a", "b", "c", "d"), call="pandas.read_csv", **more):
    return "read", {
        "id": number, "call": call, "format": form, "count": 1, "path": "/data/a.csv", "size_bytes": 80_000_000,
        "rows": 1000, "columns": list(columns), "column_count": len(columns), "dtypes": ["float64"] * len(columns),
        "asked_columns": None, "engine": None, "wall_ns": int(seconds * SECOND), "cpu_ns": int(seconds * cpu * SECOND),
        "site": 1, "t0": int(start * SECOND), "t1": int((start + seconds) * SECOND), "thread": 1, **more,
    }  # fmt: skip


def loop(start, seconds, rows, cpu=1.0, call="DataFrame.iterrows", own=0.8):
    return "rowwise", {
        "call": call, "site": 1, "rows": rows, "columns": 5, "t0": int(start * SECOND),
        "t1": int((start + seconds) * SECOND), "cpu_ns": int(seconds * cpu * SECOND),
        "own_ns": None if own is None else int(seconds * own * SECOND), "function": "risk", "thread": 1,
    }  # fmt: skip


def judge(detector, *notes, **settings):
    return run([detector()], Artifacts(recording(*notes, **settings)))[detector.id]


def test_csv_fires_with_line_gain_and_a_snippet_that_parses():
    found = judge(CsvInsteadOfParquet, read(1, 4))
    assert isinstance(found, Finding)
    assert str(found.location) == "/home/me/train.py:12"
    assert found.gain.share == pytest.approx(0.4 * (1 - 1 / 3.2))
    assert found.gain.low < found.gain.share < found.gain.high <= found.gain.low + 0.25
    assert found.gain.confidence == 0.4
    ast.parse(found.fix.snippet)
    assert "/data/a.parquet" in found.fix.snippet


def test_a_probe_replaces_the_published_factor_and_serves_other_files_of_the_line():
    tried = {"read": 1, "source": 'trips = pd.read_csv(folder / "x.csv")', "parquet_seconds": 0.4,
             "parquet_low_seconds": 0.3, "parquet_high_seconds": 0.5}  # fmt: skip
    other = read(3, 2, number=2, path="/data/b.csv")
    found = judge(CsvInsteadOfParquet, read(1, 2), other, ("probe", tried))
    assert found.gain.seconds == pytest.approx(4 - 0.8) and found.gain.confidence == 0.6
    assert 'trips = pd.read_parquet(folder / "x.parquet")' in found.fix.snippet


@pytest.mark.parametrize(
    "notes",
    [
        [read(1, 4, form="parquet", call="pandas.read_parquet")],
        [read(1, 4, cpu=0.1)],  # waits for a network
        [read(1, 0.1)],  # too small a part of the run
        [read(1, 0.5), read(1.5, 7, 2, form="parquet", call="pandas.read_parquet")],
        [],
    ],
)
def test_csv_is_silent(notes):
    assert isinstance(judge(CsvInsteadOfParquet, *notes), Fine)


def test_csv_module_loops_count():
    found = judge(CsvInsteadOfParquet, read(1, 4, call="csv.DictReader"), attached=("csv",))
    assert isinstance(found, Finding) and "to_pylist" in found.fix.snippet


def test_not_measured_without_readers():
    for detector in (CsvInsteadOfParquet, NoProjection, RowWisePython):
        assert isinstance(judge(detector, attached=()), NotMeasured)


def used(columns, number=1):
    return "used", {"read": number, "columns": columns}


def test_no_projection_fires():
    found = judge(NoProjection, read(1, 4, columns=list("abcdefghij")), used([]), used(["a"]), used(["c"]))
    assert isinstance(found, Finding)
    assert found.gain.share == pytest.approx(0.4 * 0.5, abs=0.01)  # 2 of 10 columns of a CSV file: twice as fast
    assert "COLUMNS = ['a', 'c']" in found.fix.snippet and "usecols=COLUMNS" in found.fix.snippet
    ast.parse(found.fix.snippet)


@pytest.mark.parametrize(
    "notes, settings",
    [
        ([used(["a"]), used(None)], {}),  # at last the whole frame
        ([used(["a", "b", "c"])], {}),
        ([], {}),  # not followed
        ([used([])], {}),  # nothing seen in use: perhaps used in a way that we cannot see
        ([used(["a"])], {"bye": False}),  # the program did not come to its end
    ],
)
def test_no_projection_is_silent(notes, settings):
    assert isinstance(judge(NoProjection, read(1, 4), *notes, **settings), Fine)


def test_row_wise_fires():
    found = judge(RowWisePython, loop(1, 4, 100_000))
    assert isinstance(found, Finding)
    assert found.gain.share == pytest.approx(0.4, abs=0.01) and found.location.line == 12
    ast.parse(found.fix.snippet)


@pytest.mark.parametrize(
    "notes",
    [
        [loop(1, 0.004, 1000)],  # fast per row
        [loop(1, 4, 1000, cpu=0.05)],  # rows that call a service
        [loop(1, 0.1, 5000)],  # too small a part of the run
        [loop(1, 4, 100, own=0.001), read(1, 3.99)],  # a file is read per row
        [loop(1, 1, 1_000_000, call="Series.map", own=None)],
    ],
)
def test_row_wise_is_silent(notes):
    assert isinstance(judge(RowWisePython, *notes), Fine)


def test_a_heavy_function_is_not_promised_away():
    light = judge(RowWisePython, loop(1, 4, 200_000, call="DataFrame.apply", own=None))
    heavy = judge(RowWisePython, loop(1, 4, 2_000, call="DataFrame.apply", own=None))
    assert heavy.gain.share < 0.6 * light.gain.share


def test_stretches_are_cut_at_long_gaps_and_carry_the_function():
    etl = Artifacts(recording(read(1, 1), read(2.5, 1, 2), read(6, 1, 3), seconds=20)).get(Etl)
    assert [(s.name, s.seconds, s.read_seconds) for s in etl.stretches] == [("load", 2.5, 2.0), ("load", 1.0, 1.0)]
    assert etl.seconds == pytest.approx(3.5)


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda p: (p[0], p[0] + p[1])), max_size=12)


@given(spans, st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda p: (p[0], p[0] + p[1])))
def test_overlap_is_what_counting_says(others, span):
    covered = {tick for start, end in others for tick in range(start, end)}
    assert overlap(span, merged(others)) == len(covered.intersection(range(*span)))


@given(st.integers(2, 30), st.integers(1, 29), st.floats(0.3, 9.0))
def test_gains_stay_shares_of_the_run(count, used_count, seconds):
    columns = [f"c{i}" for i in range(count)]
    found = judge(NoProjection, read(0.5, seconds, columns=columns), used(columns[:used_count]))
    if isinstance(found, Finding):
        assert used_count / count < 0.5
        assert 0 <= found.gain.low <= found.gain.share <= found.gain.high < 1
        assert found.gain.seconds <= seconds


def test_probe_tries_the_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b,name\n" + "".join(f"{i},{i * 0.5},n{i % 9}\n" for i in range(40_000)))
    (tmp_path / "tables").mkdir()
    rec = recording(read(1, 4, path=str(path), size_bytes=path.stat().st_size, columns=("a", "b", "name")))
    (note,) = probe.run(tmp_path, rec, budget_seconds=60)
    assert note[2]["read"] == 1
    assert 0 < note[2]["parquet_low_seconds"] <= note[2]["parquet_high_seconds"]
    assert json.loads((tmp_path / "tables" / "facts.jsonl").read_text())[1] == "probe"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "tables"]
    assert probe.run(tmp_path, rec) == []  # once


def test_probe_without_the_file_says_nothing(tmp_path):
    rec = recording(read(1, 4, path=str(tmp_path / "gone.csv")))
    (note,) = probe.run(tmp_path, rec)
    assert "parquet_seconds" not in note[2]
    found = run([CsvInsteadOfParquet()], Artifacts(rec))["csv-instead-of-parquet"]
    assert found.gain.confidence == 0.4


def test_statement_finds_the_users_names(tmp_path):
    file = tmp_path / "s.py"
    file.write_text("import pandas as pd\ndef f(p):\n    trips = pd.read_csv(\n        p,\n    )\n    return trips\n")
    assert probe.statement(str(file), 3) == "trips = pd.read_csv(p)"
    assert probe.statement(str(tmp_path / "none.py"), 3) == ""
