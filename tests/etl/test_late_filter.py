"""Rows that a filter throws away after a read: what is counted, what the code tells, and what the trial measures."""

from __future__ import annotations

import ast
import textwrap

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
from bottleneck_profiler.detectors.etl.late_filter import LateFilter
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured
from bottleneck_profiler.enrich import probe
from bottleneck_profiler.patterns import Source
from bottleneck_profiler.patterns.masks import conditions
from bottleneck_profiler.recording.facts import Probe
from bottleneck_profiler.recording.model import Site

from . import test_detectors as made

DAY = ("day", "==", "17")
PARQUET = {"form": "parquet", "call": "pandas.read_parquet", "columns": ("day", "a", "b")}


def kept(rows):
    return "kept", {"read": 1, "rows": rows}


def tried(source="days = pd.read_parquet(path)", **more):
    return "probe", {"read": 1, "source": source, **more}


def test_few_rows_kept_fire_with_the_filter_for_the_reader():
    notes = made.read(1, 4, **PARQUET), kept(10), tried(conditions=[DAY], kept_seconds=3.0, pruned_seconds=0.4)
    found = made.judge(LateFilter, *notes)
    assert isinstance(found, Finding) and str(found.location) == "/home/me/train.py:12"
    assert found.gain.seconds == pytest.approx(3.6) and found.gain.low < found.gain.share < found.gain.high
    assert found.fix.snippet == "days = pd.read_parquet(path, filters=[('day', '==', 17)])"
    ast.parse(found.fix.snippet)


def test_without_a_trial_the_range_is_wide_and_the_confidence_low():
    found = made.judge(LateFilter, made.read(1, 4, **PARQUET), kept(10), tried(conditions=[DAY]))
    assert isinstance(found, Finding) and found.gain.confidence == 0.2
    assert found.gain.high - found.gain.low >= 0.2


@pytest.mark.parametrize(
    "notes",
    [
        [kept(900), tried(conditions=[DAY])],  # most rows are kept
        [kept(10), tried()],  # by what is computed, or several parts are used
        [("used", {"read": 1, "columns": ["a"]})],  # followed, and never filtered
        [tried("x = pd.read_parquet(path, filters=chosen)")],
        [kept(10), tried(conditions=[DAY], kept_seconds=3.99, pruned_seconds=3.99)],  # nothing is saved
    ],
)
def test_lookalikes_are_fine(notes):
    assert isinstance(made.judge(LateFilter, made.read(1, 4, **PARQUET), *notes), Fine)


def test_what_was_not_seen_is_not_judged():
    assert isinstance(made.judge(LateFilter, made.read(1, 4, **PARQUET)), NotMeasured)
    assert isinstance(made.judge(LateFilter, made.read(1, 4)), NotApplicable)


@pytest.mark.parametrize(
    "code, expected",
    [
        ('t = t[t["day"] == day]', [("day", "==", "day")]),
        ('part = t[(t["day"] >= first) & (t.a < 5)]', [("day", ">=", "first"), ("a", "<", "5")]),
        ('print(t.loc[t["day"].isin(days), "a"].sum())', [("day", "in", "days")]),
        ("t = t[17 > t.day]", [("day", "<", "17")]),
        ('t = t[t["day"] == t["a"]]', []),  # two columns
        ('t = t[t["a"].abs() > 3]', []),
        ('t = t[(t["day"] == 1) | (t["a"] > 2)]', []),
        ('t["day"] = t["day"] // 7\nt = t[t["day"] == 1]', []),  # computed first
        ('print(t["a"].sum())\nt = t[t["day"] == 1]', []),  # the other rows are used, too
        ("a = t[t.day == 1]\nb = t[t.day == 2]", []),  # two parts
        ("parts = [t[t.day == day] for day in days]", []),
        ("for day in days:\n    use(t[t.day == day])", []),
        ("t = t[t.name == 3]", []),  # no column of the file
    ],
)
def test_the_condition_is_taken_from_the_code_where_a_reader_can_apply_it(code, expected):
    body = textwrap.indent("t = pd.read_parquet(path)\n" + code, "    ")
    source = Source(ast.parse("import pandas as pd\ndef work(path):\n" + body))
    assert conditions(source, source.calls["read_parquet"][0], ("day", "a", "b")) == expected


@pytest.mark.parametrize("is_sorted", [True, False])
def test_the_file_is_read_with_as_many_rows_and_its_statistics_tell_the_groups(tmp_path, is_sorted):
    script, path = tmp_path / "s.py", tmp_path / "a.parquet"
    script.write_text("import pandas as pd\ndays = pd.read_parquet(path)\nprint(days[days.day == 17].sum())\n")
    day = np.repeat(np.arange(100), 4000)
    day = day if is_sorted else np.random.default_rng(0).permutation(day)
    parquet.write_table(pyarrow.table({"day": day, "a": day / 2, "b": day / 3}), path, row_group_size=20_000)
    more = {"path": str(path), "size_bytes": path.stat().st_size, "rows": len(day), **PARQUET}
    recording = made.recording(made.read(1, 4, **more), kept(4000))
    recording.facts.sites[0, 1] = Site(str(script), 2, "<module>")
    probe.enrich(tmp_path, recording, budget_seconds=60)
    (note,) = recording.facts.of(Probe)
    assert note[1].conditions == (DAY,) and 0 < note[1].pruned_seconds <= note[1].kept_seconds <= 4
    assert (note[1].pruned_seconds < 0.2 * note[1].kept_seconds) is is_sorted


FILTERED = 'y = x[x["c1"] < 5]; z = x[x["c1"] < 500]'


@pytest.mark.parametrize("use, rows", [(FILTERED, [10]), ("x.copy(); x.sort_values('c1')", [])])
def test_the_rows_of_the_first_filter_are_counted(program, use, rows):
    recorded = program(
        f"""
        import numpy as np, pandas as pd
        import bottleneck_profiler.collectors.pandas as own
        own.FOLLOW_NS = 0
        pd.DataFrame({{f"c{{i}}": np.arange(60_000) * 0.5 for i in range(4)}}).to_parquet("a.parquet")
        x = pd.read_parquet("a.parquet")
        {use}
        """
    )
    assert recorded.code == 0 and not recorded.of("failed"), recorded.error
    assert [note["rows"] for note in recorded.of("kept")] == rows
