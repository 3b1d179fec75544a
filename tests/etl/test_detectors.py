"""The ETL detectors on recordings built in memory: when they fire, when they are silent, and what they promise."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.etl.accesses import accesses_of
from bottleneck_profiler.artifacts.etl.spans import complement, merged, overlap
from bottleneck_profiler.artifacts.etl.stages import Etl
from bottleneck_profiler.artifacts.run.stacks import Stacks
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.etl.csv_instead_of_parquet import CsvInsteadOfParquet
from bottleneck_profiler.detectors.etl.row_wise_python import RowWisePython
from bottleneck_profiler.detectors.etl.unused_columns import UnusedColumns
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.recording.intervals import spans_of
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, Site
from hypothesis import given
from hypothesis import strategies as st
from typed import add

SECOND = 1_000_000_000


def recording(*notes, attached=("pandas", "csv"), seconds=10.0, bye=True):
    empty = np.empty(0, RECORD_DTYPE)
    facts = Facts(processes=[Process(0, 1, bye_ns=SECOND if bye else 0)], attached=set(attached))
    facts.sites[0, 1] = Site("/home/me/train.py", 12, "load")
    for kind, fields in notes:
        add(facts, kind, **fields)
    steps = {name: np.empty(0, "i8") for name in ("process", "loader", "t0", "t1", "trained")}
    return Recording({}, facts, steps, empty, empty, empty, empty, {}, {}, 0, int(seconds * SECOND))


def read(start, seconds, number=1, form="csv", cpu=1.0, columns=("a", "b", "c", "d"), call="pandas.read_csv", **more):
    return "read", {
        "id": number, "call": call, "format": form, "count": 1, "path": "/data/a.csv", "size_bytes": 80_000_000,
        "rows": 1000, "columns": list(columns), "column_count": len(columns), "dtypes": ["float64"] * len(columns),
        "asked_columns": None, "engine": None, "wall_ns": int(seconds * SECOND), "cpu_ns": int(seconds * cpu * SECOND),
        "site": 1, "t0": int(start * SECOND), "t1": int((start + seconds) * SECOND), "thread": 1, **more,
    }  # fmt: skip


def loop(start, seconds, rows, cpu=1.0, call="DataFrame.iterrows", own=0.8, site=1):
    return "rowwise", {
        "call": call, "site": site, "rows": rows, "columns": 5, "t0": int(start * SECOND),
        "t1": int((start + seconds) * SECOND), "cpu_ns": int(seconds * cpu * SECOND),
        "own_ns": None if own is None else int(seconds * own * SECOND), "function": "risk", "thread": 1,
    }  # fmt: skip


def judge(detector, *notes, **settings):
    return run_all([detector()], Artifacts(recording(*notes, **settings)))[detector.id]


def test_csv_fires_with_line_gain_and_a_snippet_that_parses():
    found = judge(CsvInsteadOfParquet, read(1, 2), read(3, 2, 2))
    assert isinstance(found, Finding)
    assert str(found.location) == "/home/me/train.py:12"
    assert found.gain.share == pytest.approx(0.4 * (1 - 1 / 3.2))
    assert found.gain.low < found.gain.share < found.gain.high <= found.gain.low + 0.3
    assert found.gain.confidence == 0.4
    ast.parse(found.fix.snippet)
    assert "/data/a.parquet" in found.fix.snippet


def tried(source, number=1, seconds=0.4, **more):
    return "probe", {"read": number, "source": source, "parquet_seconds": seconds,
                     "parquet_low_seconds": 0.75 * seconds, "parquet_high_seconds": 1.25 * seconds, **more}  # fmt: skip


def test_a_probe_replaces_the_published_factor_and_serves_other_files_of_the_line():
    other = [read(3, 2, number=2, path="/data/b.csv"), read(5, 2, number=3, path="/data/b.csv")]
    probed = tried('trips = pd.read_csv(folder / "x.csv")', write_seconds=0.5)
    found = judge(CsvInsteadOfParquet, read(1, 2), *other, probed)
    # One of the two files is read again and pays for its conversion; the other's writing is taken off.
    assert found.gain.seconds == pytest.approx(6 - 1.2 - 0.5) and found.gain.confidence == 0.6
    assert "trips = pd.read_parquet(folder / 'x.parquet')" in found.fix.snippet
    assert "once for every file" in found.fix.snippet


def test_a_file_read_once_pays_for_its_conversion():
    again = judge(CsvInsteadOfParquet, read(1, 2), read(3, 2, 2), tried("", write_seconds=1.0))
    once = judge(CsvInsteadOfParquet, read(1, 4), tried("", seconds=0.8, write_seconds=1.0))
    assert again.gain.seconds - once.gain.seconds == pytest.approx(1.0)
    assert "second run" in once.gain.method and "second run" not in again.gain.method
    dear = judge(CsvInsteadOfParquet, read(1, 4), tried("", write_seconds=5.0))
    assert isinstance(dear, Fine)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("df = pd.read_csv(path, sep=';', parse_dates=['day'])",
         ["pd.read_csv(path, sep=';', parse_dates=['day']).to_parquet(Path(path).with_suffix(",
          "df = pd.read_parquet(Path(path).with_suffix("]),
        ("frame = pd.read_parquet(f'{tmp}/train.parquet') if FIX else pd.read_csv(path)",
         ["pd.read_csv(path).to_parquet(Path(path)", "pd.read_parquet(f'{tmp}/train.parquet') if FIX else pd.read_p"]),
        ("df = pd.read_csv('a.csv', sep=';').dropna()",
         ["pd.read_csv('a.csv', sep=';').to_parquet('a.parquet')", "df = pd.read_parquet('a.parquet').dropna()"]),
        ("return pd.read_csv(paths['train'], usecols=['a'])",
         ["pd.read_csv(paths['train'], usecols=['a']).to_parquet(Path(paths['train'])", "frame = pd.read_parquet("]),
        ("for part in pd.read_csv(path, chunksize=1000, sep=';'):",
         ["pd.read_csv(path, sep=';').to_parquet(", "iter_batches"]),
        ("df = load(path)", ["# give it the arguments of your own call", "pd.read_csv('/data/a.csv').to_parquet"]),
    ],
    ids=["arguments", "either", "chain", "return", "chunks", "elsewhere"],
)  # fmt: skip
def test_the_csv_fix_is_the_users_own_call(source, expected):
    found = judge(CsvInsteadOfParquet, read(1, 2), read(3, 2, 2), tried(source))
    compile(found.fix.snippet, "snippet", "exec")
    for part in expected:
        assert part in found.fix.snippet
    assert ("arguments of your own call" in found.fix.summary) == (source == "df = load(path)")


def test_other_readers_keep_what_their_call_says():
    dialect = tried("for row in csv.DictReader(file, delimiter=';'):")
    found = judge(CsvInsteadOfParquet, read(1, 2, call="csv.DictReader"), read(3, 2, 2, call="csv.DictReader"), dialect)
    assert "ParseOptions(delimiter=';')" in found.fix.snippet and "'/data/a.csv'" in found.fix.snippet
    array = tried("data = np.loadtxt(name, delimiter=';')")
    text = {"call": "numpy.loadtxt", "form": "text"}
    found = judge(CsvInsteadOfParquet, read(1, 2, **text), read(3, 2, 2, **text), array)
    assert "np.loadtxt(name, delimiter=';'))" in found.fix.snippet and "data = np.load(" in found.fix.snippet


def test_csv_prices_the_named_line_and_names_the_others():
    reads = [read(1, 2), read(3, 2, 2), read(5, 1, 3, site=2), read(6, 1, 4, site=2)]
    made = recording(*reads)
    made.facts.sites[0, 2] = Site("/home/me/other.py", 3, "more")
    found = run_all([CsvInsteadOfParquet()], Artifacts(made))["csv-instead-of-parquet"]
    assert found.gain.seconds == pytest.approx(4 * (1 - 1 / 3.2)) and found.location.line == 12
    assert [e.value for e in found.evidence if e.label.startswith("other places")] == ["other.py:3 (2.0 s)"]
    assert "other lines" in found.fix.summary


@pytest.mark.parametrize(
    "notes",
    [
        [read(1, 4, form="parquet", call="pandas.read_parquet")],
        [read(1, 4, cpu=0.1)],  # waits for a network
        [read(1, 0.1)],  # too small a part of the run
        [read(1, 0.5), read(1.5, 7, 2, form="parquet", call="pandas.read_parquet")],
    ],
)
def test_csv_is_silent(notes):
    assert isinstance(judge(CsvInsteadOfParquet, *notes), Fine)


def test_csv_module_loops_count():
    rows = [read(1, 2, call="csv.DictReader"), read(3, 2, 2, call="csv.DictReader")]
    found = judge(CsvInsteadOfParquet, *rows, attached=("csv",))
    assert isinstance(found, Finding) and "to_pylist" in found.fix.snippet


def test_without_reads_there_is_nothing_to_judge():
    for detector in (CsvInsteadOfParquet, UnusedColumns, RowWisePython):
        assert isinstance(judge(detector, attached=()), NotApplicable)
        assert isinstance(judge(detector), NotApplicable)


def used(columns, number=1):
    return "used", {"read": number, "columns": columns}


def test_unused_columns_fires():
    found = judge(UnusedColumns, read(1, 4, columns=list("abcdefghij")), used([]), used(["a"]), used(["c"]))
    assert isinstance(found, Finding)
    assert found.gain.share == pytest.approx(0.4 * 0.5, abs=0.01)  # 2 of 10 columns of a CSV file: twice as fast
    assert "COLUMNS = ['a', 'c']" in found.fix.snippet and "usecols=COLUMNS" in found.fix.snippet
    ast.parse(found.fix.snippet)


def test_the_projection_is_the_users_own_call():
    source = "return pd.read_csv(path, sep=';', parse_dates=['j'], usecols=None)[['a', 'c']]"
    seen = [used(["a"]), used(["c"]), tried(source)]
    found = judge(UnusedColumns, read(1, 4, columns=list("abcdefghij")), *seen)
    assert "COLUMNS = ['a', 'c', 'j']" in found.fix.snippet
    assert "pd.read_csv(path, sep=';', parse_dates=['j'], usecols=COLUMNS)[['a', 'c']]" in found.fix.snippet
    compile(found.fix.snippet, "snippet", "exec")


def test_projection_prices_the_named_line_with_the_columns_of_all_its_reads():
    wide = {"columns": list("abcdefghij")}
    reads = [read(1, 3, **wide), read(4, 1, 2, path="/data/b.csv", **wide), read(5, 2, 3, site=2, **wide)]
    made = recording(*reads, used(["a"]), used(["b"], 2), used(["c"], 3))
    made.facts.sites[0, 2] = Site("/home/me/other.py", 3, "more")
    found = run_all([UnusedColumns()], Artifacts(made))["unused-columns"]
    assert found.gain.seconds == pytest.approx(4 * 0.625 * 0.9) and found.location.line == 12
    assert "COLUMNS = ['a', 'b']" in found.fix.snippet and "2 columns" in found.fix.summary
    assert [e.value for e in found.evidence if e.label.startswith("other places")] == ["other.py:3 (2.0 s)"]


@pytest.mark.parametrize(
    "notes, settings, outcome",
    [
        ([used(["a"]), used(None)], {}, Fine),  # at last the whole frame
        ([used(["a", "b", "c"])], {}, Fine),
        ([], {}, NotMeasured),  # not followed
        ([used([])], {}, NotMeasured),  # nothing seen in use: perhaps used in a way that we cannot see
        ([used(["a"])], {"bye": False}, NotMeasured),  # the program did not come to its end
    ],
)
def test_unused_columns_is_silent(notes, settings, outcome):
    assert isinstance(judge(UnusedColumns, read(1, 4), *notes, **settings), outcome)


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


@pytest.mark.parametrize("note", [loop(1, 4, 100_000, cpu=0.2), read(1, 4, cpu=0.2)], ids=["rows", "csv"])
def test_waiting_for_a_core_is_no_waiting_for_something_else(note):
    detector = RowWisePython if note[0] == "rowwise" else CsvInsteadOfParquet
    again = [read(5, 4, 2, cpu=0.2)] if note[0] == "read" else []
    busy = recording(note, *again)
    assert isinstance(run_all([detector()], Artifacts(busy))[detector.id], Fine)
    times = np.arange(0, 11) * SECOND
    busy.host = {"time_ns": times, "run_delay_ns_total": times * 0.6}
    assert isinstance(run_all([detector()], Artifacts(busy))[detector.id], Finding)


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
    found = judge(UnusedColumns, read(0.5, seconds, columns=columns), used(columns[:used_count]))
    if isinstance(found, Finding):
        assert used_count / count < 0.5
        assert 0 <= found.gain.low <= found.gain.share <= found.gain.high < 1
        assert found.gain.seconds <= seconds


LOC = "_LocationIndexer.__getitem__"
ELEMENT = ("DataFrame._ixs", "DataFrame._get_item", "DataFrame._get_value")
ROW = ("BlockManager.fast_xs", "DataFrame._ixs", "_iLocIndexer._getitem_axis")
MASK = ("NDFrame.take", "_LocationIndexer._getbool_axis", "_LocIndexer._getitem_axis")
COLUMN = ("DataFrame._ixs", "DataFrame._get_item")


def sampled(*groups, seconds=10.0, notes=(), phase=signals.NONE):
    """A recording with ``count`` samples of 20 ms for each (count, line, functions of pandas, innermost first)."""
    made = recording(*notes, seconds=seconds)
    rows, now = [], SECOND
    for number, (count, line, functions) in enumerate(groups):
        library = [Frame(name, "/lib/pandas/core/indexing.py", 9, False) for name in functions]
        made.facts.stacks[0, number] = (*library, Frame("build", "/home/me/train.py", line, True))
        for _ in range(count):
            rows.append((0, 1, signals.STACK_CPU, phase, now, now + SECOND // 50, number))
            now += SECOND // 50
    made.stacks = np.array(rows, RECORD_DTYPE)
    return made


def rows_of(made):
    return run_all([RowWisePython()], Artifacts(made))["row-wise-python"]


@pytest.mark.parametrize("functions", [(*ELEMENT, LOC), (*ROW, LOC)], ids=["value", "row"])
def test_a_loop_over_single_values_is_found_in_the_samples(functions):
    found = rows_of(sampled((60, 12, functions), (20, 14, functions), (30, 14, ("append",))))
    assert isinstance(found, Finding) and found.location.line == 12
    assert found.gain.seconds == pytest.approx(1.6)
    ast.parse(found.fix.snippet)


@pytest.mark.parametrize(
    "made",
    [
        sampled((100, 12, (*MASK, LOC))),  # a few slices, each long
        sampled((100, 12, (*COLUMN, "DataFrame.__getitem__"))),  # whole columns
        sampled((100, 12, (*MASK, LOC)), (4, 13, (*ELEMENT, LOC))),  # and a handful of values
        sampled((10, 12, (*ELEMENT, LOC))),  # too small a part of the run
        sampled((100, 12, (*ELEMENT, LOC)), phase=signals.DATA_WAIT),  # a Dataset's item: data loading
        sampled((100, 12, (*ELEMENT, "Frame.apply_standard"))),  # not called by the user's line
        sampled((100, 12, ())),  # the user's own Python
    ],
    ids=["slices", "columns", "few values", "small", "loading", "inside", "python"],
)
def test_slices_and_other_phases_are_no_row_loops(made):
    assert not isinstance(rows_of(made), Finding)


def test_values_of_a_row_in_a_known_loop_are_counted_once():
    made = sampled((60, 12, ("Series._get_value", "Series.__getitem__")), notes=[loop(1, 2, 20_000)])
    found = rows_of(made)
    assert found.gain.seconds == pytest.approx(2, abs=0.01) and not Artifacts(made).get(Etl).accesses


def test_row_wise_prices_the_named_line_and_names_the_others():
    made = recording(loop(1, 3, 100_000), loop(5, 1, 30_000, site=2))
    made.facts.sites[0, 2] = Site("/home/me/other.py", 3, "more")
    found = rows_of(made)
    assert found.gain.seconds == pytest.approx(3, abs=0.01) and found.location.line == 12
    assert [e.value for e in found.evidence if e.label.startswith("other places")] == ["other.py:3 (1.0 s)"]


def test_samples_inside_steps_are_the_steps_business():
    made = sampled((60, 12, (*ELEMENT, LOC)))
    stacks = Stacks.of(made, 0)
    inside = spans_of([SECOND // 2], [3 * SECOND])
    assert accesses_of(made, stacks, inside) == ()
    half = accesses_of(made, stacks, spans_of([SECOND // 2], [SECOND + 30 * SECOND // 50]))
    assert [round(access.seconds, 2) for access in half] == [0.6]


@given(spans)
def test_complement_and_spans_make_the_whole_run(others):
    made = recording(seconds=100 / SECOND)
    rest = complement(np.array(merged(others), "i8").reshape(-1, 2), made).tolist()
    covered = {tick for start, end in others for tick in range(start, end)}
    assert {tick for start, end in rest for tick in range(start, end)} == set(range(100)) - covered


def test_the_pasted_csv_fix_gives_the_same_table(tmp_path, monkeypatch):
    pandas = pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("day;v;k\n" + "".join(f"2024-01-{i + 1:02d};{i / 3};x{i % 2}\n" for i in range(28)))
    for source in (
        "df = pd.read_csv(path, sep=';')",
        "df = pd.read_csv('a.csv', sep=';', parse_dates=['day'], index_col='day')",
        "df = pd.read_csv(path, sep=';', usecols=['v', 'k'], dtype={'k': 'category'}).dropna()",
    ):
        found = judge(CsvInsteadOfParquet, read(1, 2), read(3, 2, 2), tried(source))
        names = [{"pd": pandas, "path": "a.csv"}, {"path": "a.csv"}]
        exec(source, names[0])
        exec(found.fix.snippet, names[1])
        pandas.testing.assert_frame_equal(names[1]["df"], names[0]["df"])


def test_polars_keeps_its_own_words():
    fields = {"call": "polars.read_csv", "columns": ("a", "b"), "dtypes": None}
    found = judge(
        CsvInsteadOfParquet, read(1, 4, **fields), tried('trips = pl.read_csv("a.csv", separator=";")', seconds=0.5)
    )
    assert "pl.read_csv('a.csv', separator=';').write_parquet('a.parquet')" in found.fix.snippet
    assert "trips = pl.read_parquet('a.parquet')" in found.fix.snippet
