"""Tables that polars reads: as a module of its shape notes them, and as the library does where it is installed."""

from __future__ import annotations

import pytest

from .conftest import START

#: Functions as polars has them: behind a decorator, with a look at its own frames for the user's line.
MODULE = """
import functools, os, sys, time, warnings

__version__ = "9.9"
HERE = os.path.dirname(__file__)

def renamed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

class Table:
    columns, height = ["a", "b"], 3

@renamed
def read_csv(source, *, separator=",", columns=None, n_rows=None, storage_options=None):
    frame, level = sys._getframe(), 1
    while frame.f_code.co_filename.startswith(HERE):
        frame, level = frame.f_back, level + 1
    warnings.warn("old", DeprecationWarning, stacklevel=level - 1)
    time.sleep(0.002)
    return Table()

def read_excel(source, *, sheet_id=None):
    time.sleep(0.002)
    return {"one": Table(), "two": Table()}
"""
WORK = f"""
import os, sys, warnings
os.makedirs("polars", exist_ok=True)
open("polars/__init__.py", "w").write({MODULE!r})
open("a.csv", "w").write("a,b\\n" * 4)
sys.path.insert(0, ".")
import polars as pl
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    pl.read_csv("a.csv", separator=";", columns=["a"])
    pl.read_csv("a.csv", n_rows=2, storage_options={{"key": "secret"}})
    pl.read_excel(source="a.csv")
print([(each.filename == __file__, each.lineno) for each in caught], pl.read_csv.__name__, pl.read_csv.__module__)
"""


def test_files_are_noted_with_their_columns_and_arguments(program):
    recorded = program(WORK)
    plain = program("\n" * START.count("\n") + WORK, start=False)
    assert (recorded.code, recorded.output, recorded.error) == (plain.code, plain.output, plain.error)
    assert plain.code == 0 and not recorded.of("failed")
    csv, part, book = recorded.of("read")
    assert (csv["call"], csv["format"], csv["rows"], csv["columns"]) == ("polars.read_csv", "csv", 3, ["a", "b"])
    assert csv["size_bytes"] == 16 and csv["asked_columns"] == ["a"] and csv["library"] == "9.9"
    assert csv["options"] == {"separator": ";", "columns": ["a"]} and csv["hidden"] == []
    assert part["size_bytes"] is None and part["hidden"] == ["storage_options"] and "secret" not in str(recorded.notes)
    assert (book["call"], book["format"], book["rows"]) == ("polars.read_excel", "excel", None)


LOCALS = """
import duckdb, polars as pl, pyarrow as pa
import numpy as np, pandas as pd
import bottleneck_profiler.collectors.pandas as own
own.FOLLOW_NS = 0
pd.DataFrame({f"c{i}": np.arange(60_000) for i in range(4)}).to_csv("a.csv", index=False)

def ask():
    frame, other = pd.read_csv("a.csv"), pl.read_csv("a.csv")
    table = pa.Table.from_pandas(frame)
    arrow, plan = table, pl.scan_csv("a.csv")
    asked = [duckdb.sql("select sum(c0) from frame").fetchall(), duckdb.sql("select sum(c1) from other").fetchall()]
    asked += [duckdb.sql("select sum(c2) from arrow").fetchall()]
    asked += [duckdb.query("from frame join other using (c0)").shape]
    return asked, frame.query("c0 > 59_990").shape, pl.sql("select count(*) from other").collect().item(), type(table)

print(ask())
"""


def test_duckdb_finds_the_tables_of_its_caller(program):
    for library in ("duckdb", "polars"):
        pytest.importorskip(library)
    recorded = program(LOCALS)
    plain = program("\n" * START.count("\n") + LOCALS, start=False)
    assert (recorded.code, recorded.output, recorded.error) == (plain.code, plain.output, plain.error)
    assert plain.code == 0 and not recorded.of("failed")
    assert {note["call"] for note in recorded.of("read")} == {"pandas.read_csv", "polars.read_csv"}
