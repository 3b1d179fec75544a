"""Columns are chosen in the user's call of a reader, where nothing else in the file needs the others."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bottleneck_profiler import patching
from bottleneck_profiler.artifacts.etl.reads import Read, Reads
from bottleneck_profiler.detectors.etl.unused_columns import UnusedColumns
from bottleneck_profiler.diagnosis.findings import Arguments, Finding, Fix
from bottleneck_profiler.recording.model import Site
from helpers import bottleneck

from .files import RUN, written
from .test_fix_command import fix

READS = {
    "pandas.read_csv": ("pd.read_csv(path, sep=';')", "pd.read_csv(path, sep=';', usecols=['a', 'c'])"),
    "pandas.read_parquet": ("pd.read_parquet(path)", "pd.read_parquet(path, columns=['a', 'c'])"),
    "pandas.read_orc": ("pd.read_orc(path, None)", "pd.read_orc(path, ['a', 'c'])"),
    "pandas.read_feather": (
        "pd.read_feather(path, columns=['a', 'b', 'c'])",
        "pd.read_feather(path, columns=['a', 'c'])",
    ),
}


def patch(folder: Path, call: str, function: str, rest: str = "") -> patching.Patch:
    keyword = "usecols" if "csv" in function else "columns"
    path = written(folder, f"import pandas as pd\nframe = {call}\n{rest}\n")
    edit = Arguments(str(path), 2, function, {keyword: "['a', 'c']"}, frozenset(("b", "street")))
    return patching.make(Fix("", "", effort=1, edit=edit), RUN)


@pytest.mark.parametrize("function", READS)
def test_columns_are_chosen(tmp_path: Path, function: str):
    call, expected = READS[function]
    rest = "frame = frame.iloc[:10]\nprint(frame['a'] + frame.c)"
    assert patch(tmp_path, call, function, rest).after.decode() == f"import pandas as pd\nframe = {expected}\n{rest}\n"


@pytest.mark.parametrize(
    "rest",
    [
        "if late:\n    print(frame['b'])",
        "print(frame.street)",
        "frame = frame.drop(columns=names)",
        "frame.columns = list('xyz')",
        "frame.set_axis(list('xyz'), axis=1)",
        "print(frame.iloc[:, 2])",
        "print(frame.iat[0, 2])",
    ],
)
def test_a_file_that_may_need_the_others_is_left_alone(tmp_path: Path, rest: str):
    with pytest.raises(patching.NoPatch, match=r"train\.py:[34] has .*: it may need what would be left out"):
        patch(tmp_path, "pd.read_parquet(path)", "pandas.read_parquet", rest)


def test_positions_that_differ_between_versions_are_left_alone(tmp_path: Path):
    with pytest.raises(patching.NoPatch, match="usecols may be among the call's positional arguments"):
        patch(tmp_path, "pd.read_csv(path, ';')", "pandas.read_csv")


SITE = Site("/home/me/train.py", 12, "load")


def read(number: int, used: str | None, source: str, columns: str = "abcdefghij") -> Read:
    return Read(
        number, "pandas.read_csv", "csv", f"/data/{number}.csv", 1, 10**8, 1000, tuple(columns), len(columns), None,
        None, None if used is None else frozenset(used), None, SITE, number * 10**9, (number + 2) * 10**9, 2.0, 2.0,
        source=source,
    )  # fmt: skip


def edit(*reads: Read) -> Arguments | None:
    found = UnusedColumns().detect(
        SimpleNamespace(wall_seconds=20.0), Reads(0, reads, True), SimpleNamespace(seconds=8.0)
    )
    assert isinstance(found, Finding)
    return found.fix.edit


def test_the_detector_says_which_columns_stay_and_which_go():
    own = "frame = pd.read_csv(path, sep=';', parse_dates=['j'])"
    found = edit(read(1, "ac", own), read(2, "d", own))
    assert found == Arguments(
        SITE.file, 12, "pandas.read_csv", {"usecols": "['a', 'c', 'd', 'j']"}, frozenset("befghi")
    )


@pytest.mark.parametrize(
    "reads",
    [
        [read(1, "ac", "")],  # nobody knows the line
        [read(1, "ac", "x = pd.read_csv(p, header=None)")],
        [read(1, "ac", "x = pd.read_csv(p, index_col=0)")],
        [read(1, "ac", "x = pd.read_csv(p, parse_dates=dates)")],
        [read(1, "ac", "x = pd.read_csv(p, **more)")],
        [read(1, "ac", "x = pd.read_csv(p)"), read(2, None, "x = pd.read_csv(p)")],  # one is used whole
        [read(1, "ac", "x = pd.read_csv(p)"), read(2, "a", "x = pd.read_csv(p)", "abklmn")],  # another kind of file
        [read(1, "a", "x = pd.read_csv(p)"), read(2, "ak", "x = pd.read_csv(p)", "abklmn")],
    ],
)
def test_where_a_read_may_need_more_the_detector_gives_advice_alone(reads: list[Read]):
    assert edit(*reads) is None


PROGRAM = """\
import pandas as pd


def load(path):
    return pd.read_csv(
        path,
        sep=",",  # as exported
    )


total = 0.0
for number in range(8):
    frame = load(f"wide{number}.csv")
    total += frame["c01"].sum() + frame["c00"].sum()
print(round(total, 3))
"""


def test_applied_a_run_reads_only_what_it_uses(tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    values = np.random.default_rng(0).random((80_000, 24))  # below 20 ms a read is not followed
    pandas.DataFrame(values, columns=[f"c{i:02d}" for i in range(24)]).to_csv(tmp_path / "wide0.csv", index=False)
    for number in range(1, 8):  # the same file eight times would be another finding
        shutil.copy(tmp_path / "wide0.csv", tmp_path / f"wide{number}.csv")
    script = tmp_path / "job.py"
    script.write_text(PROGRAM)
    first = bottleneck(tmp_path, script)
    assert "unused-columns" in first.found, first.err
    applied = fix(tmp_path, first.folder, "unused-columns", "--apply")
    assert applied.returncode == 0, applied.stderr
    assert "        sep=\",\",  # as exported\n        usecols=['c00', 'c01'],\n    )" in script.read_text()
    ast.parse(script.read_text())
    (tmp_path / "again").mkdir()
    again = bottleneck(tmp_path / "again", script, cwd=tmp_path)
    assert (again.code, again.out) == (0, first.out)
    assert "unused-columns" not in again.found
