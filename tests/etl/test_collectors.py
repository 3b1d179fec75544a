"""Readers of real libraries: what is recorded, and that the program stays what it is."""

from __future__ import annotations

import pytest
from bottleneck_profiler import signals

from .conftest import Recorded

WIDE = """
import numpy as np, pandas as pd
rows = 12_000
frame = pd.DataFrame({f"c{i}": np.arange(rows) * 0.5 + i for i in range(8)})
frame["name"] = [f"n{i % 7}" for i in range(rows)]
frame.to_csv("wide.csv", index=False)
"""
# Everything that follows is read from a file big enough to be followed.
READ = WIDE + '\nimport bottleneck_profiler.collectors.pandas as own\nown.FOLLOW_NS = 0\nx = pd.read_csv("wide.csv")\n'


def used_of(recorded, read):
    columns = set()
    for note in recorded.of("used"):
        if note["read"] == read:
            if note["columns"] is None:
                return None
            columns |= set(note["columns"])
    return columns


def test_read_csv_is_described(program):
    recorded = program(WIDE + 'x = pd.read_csv("wide.csv", usecols=["c1", "name"])\nprint(x.shape)')
    assert recorded.code == 0, recorded.error
    (read,) = [note for note in recorded.of("read") if note["call"] == "pandas.read_csv"]
    assert (read["format"], read["rows"], read["columns"]) == ("csv", 12_000, ["c1", "name"])
    assert read["asked_columns"] == ["c1", "name"] and read["size_bytes"] > 100_000
    assert read["path"].endswith("wide.csv") and read["wall_ns"] > 0 and read["cpu_ns"] > 0
    sites = {note["id"]: note for note in recorded.of("site")}
    assert sites[read["site"]]["file"].endswith("script.py")
    assert recorded.count(signals.READ) == 1 and recorded.count(signals.WRITE) == 1
    assert not recorded.of("failed")


#: What a program does with ``x``, and the columns that it uses so; None: all.
USES = [
    ('x["c1"].sum(); x.c2.mean()', {"c1", "c2"}),
    ('x[["c1", "c3"]].to_numpy()', {"c1", "c3"}),
    ('y = x[x["c1"] > 5]; y["c2"].sum()', {"c1", "c2"}),
    ('x.loc[:, "c4"].sum(); x.loc[x.c1 > 3, ["c2"]]', {"c1", "c2", "c4"}),
    ('x.groupby("name")["c5"].mean()', {"name", "c5"}),
    ('x.groupby("name").agg({"c5": "mean"})', {"name", "c5"}),
    ('x.sort_values("c1").head()["c2"]', {"c1", "c2"}),
    ('x.copy()["c7"].sum(); len(x); x.shape; x.columns; x.dtypes', {"c7"}),
    ("x.to_numpy(object)", None),
    ("x.values", None),
    ("x.sum(numeric_only=True)", None),
    ('x.groupby("name").mean()', None),
    ("pd.concat([x, x])", None),
    ('pd.merge(x, x[["name"]].drop_duplicates(), on="name")', None),
    ("np.asarray(x)", None),
    ("import pickle; pickle.dumps(x)", None),
    ("list(x.itertuples())", None),
    ("next(x.iterrows())", None),
    ("x.iloc[0]", None),
    ("x + x", None),
    ("x == 3", None),
    ('for c in x: x[c]', None),
    ('pd.DataFrame(x)["c1"].sum()', {"c1"}),
    ('x.drop(columns=["c0", "c1"]).tail(9)["c3"].sum()', {"c3"}),
    ('x["new"] = 1; x["d"] = x["c1"] + x["new"]; x.reset_index(); x.set_index("c4").index.max()', {"c1", "c4"}),
    ('x.rename(columns={"c1": "one"})["one"].sum()', None),
    ('x.columns = list("abcdefghi"); x["a"].sum()', None),
    ('x.loc[x["c1"] > 3, "c2"] = 0.0; del x["c5"]; x.pop("c6")', {"c1", "c2", "c6"}),
    ("x.equals(x.copy())", None),
    ("x.copy().equals(x)", None),
    ("x.info()", None),
    ("import pyarrow; pyarrow.Table.from_pandas(x)", None),
    ("repr(x); str(x)", None),
    ('x.to_csv("again.csv")', None),
]  # fmt: skip
EACH_ALONE = f"""
import gc
for use in {[use for use, _ in USES]!r}:
    exec(use, {{"pd": pd, "np": np, "x": pd.read_csv("wide.csv")}})
    gc.collect()
"""


@pytest.fixture(scope="module")
def uses(tmp_path_factory):
    """One program that reads a frame for each of the uses; {use: the columns that were seen used}."""
    folder = tmp_path_factory.mktemp("uses")
    recorded = Recorded.of_code(folder, READ.replace('x = pd.read_csv("wide.csv")\n', EACH_ALONE))
    assert recorded.code == 0, recorded.error
    assert not recorded.of("failed")
    reads = [note["id"] for note in recorded.of("read") if note["call"] == "pandas.read_csv"]
    return {use: used_of(recorded, read) for (use, _), read in zip(USES, reads, strict=True)}


@pytest.mark.parametrize("use, columns", USES)
def test_columns_used(uses, use, columns):
    assert uses[use] == columns


def test_nothing_but_the_frame_is_hooked_and_only_while_it_is_followed(program):
    code = """
import pandas as pd
plain = dict(vars(pd.DataFrame))
"""
    end = """
manager = type(frame._mgr)
assert type(x._mgr) is not manager and isinstance(x._mgr, manager)
y = x[x["c1"] > 5]
assert type(y._mgr) is type(x._mgr)
y.sum(numeric_only=True)
assert type(y._mgr) is type(x._mgr) is manager
assert all(vars(pd.DataFrame).get(name) is value for name, value in plain.items())
"""
    recorded = program(READ.replace("x = ", code + "x = ") + end)
    assert recorded.code == 0, recorded.error


def test_csv_module(program, plainly):
    code = (
        WIDE
        + """
import csv
total = 0
with open("wide.csv") as file:
    rows = csv.DictReader(file)
    assert iter(rows) is rows and type(rows) is csv.DictReader
    for row in rows:
        total += float(row["c1"])
with open("wide.csv") as file:
    rows = csv.reader(file)
    header = next(rows)
    assert isinstance(rows, type(__import__("_csv").reader([]))) and iter(rows) is rows
    assert rows.line_num == 1 and rows.dialect.delimiter == ","
    for row in rows:
        total += float(row[0])
print(header, rows.line_num, total)
"""
    )
    recorded, plain = program(code), plainly(code)
    assert recorded.code == 0, recorded.error
    assert recorded.output == plain.stdout
    reads = {note["call"]: note for note in recorded.of("read")}
    assert set(reads) == {"csv.reader", "csv.DictReader"}
    assert reads["csv.DictReader"]["rows"] == 12_001 and reads["csv.DictReader"]["columns"][0] == "c0"
    for note in reads.values():
        assert 0 < note["wall_ns"] <= note["t1"] - note["t0"]


def test_json_and_numpy(program):
    recorded = program(
        """
        import json, numpy as np
        with open("big.json", "w") as file:
            json.dump([{"a": i} for i in range(50_000)], file)
        assert len(json.load(open("big.json"))) == 50_000
        json.loads("[1, 2]")
        np.save("a.npy", np.zeros((300_000, 4)))
        assert np.load("a.npy").shape == (300_000, 4)
        """
    )
    assert recorded.code == 0, recorded.error
    calls = {note["call"]: note for note in recorded.of("read")}
    assert calls["json.load"]["rows"] == 50_000
    assert recorded.count(signals.READ) == 2 and "json.loads" not in calls
    assert recorded.count(signals.WRITE) == 1


def test_nothing_of_ours_is_on_the_path_of_small_calls(program):
    """Millions of ``json.loads`` and of statements to SQLite: their functions have the code that they came with."""
    recorded = program(
        """
        import json, sqlite3, types
        def own(owner):
            return [each for each in vars(owner).values() if isinstance(each, types.FunctionType)]
        functions = [json.loads, json.dumps, *own(json.JSONDecoder), *own(json.JSONEncoder), *own(sqlite3.dbapi2)]
        print({each.__code__.co_filename for each in functions} == {each.__globals__["__file__"] for each in functions})
        print(any(name.startswith("_bottleneck") for each in functions for name in each.__code__.co_names))
        print(type(sqlite3.connect), type(json.scanner.c_make_scanner))
        """
    )
    assert recorded.output.splitlines() == ["True", "False", "<class 'builtin_function_or_method'> <class 'type'>"]


def test_row_loops(program):
    recorded = program(
        WIDE
        + """
import inspect
total = 0.0
rows = frame.head(2000).iterrows()
assert inspect.isgenerator(rows)
for _, row in rows:
    total += row["c1"]
frame.head(3000).apply(lambda row: row["c1"] * 2, axis=1)
print(total)
"""
    )
    assert recorded.code == 0, recorded.error
    loops = {note["call"]: note for note in recorded.of("rowwise")}
    assert loops["DataFrame.iterrows"]["rows"] == 2000 and loops["DataFrame.apply"]["rows"] == 3000
    assert 0 < loops["DataFrame.iterrows"]["own_ns"] <= loops["DataFrame.iterrows"]["t1"]


def test_feather_and_json_of_pyarrow_are_described(program):
    recorded = program(
        """
        import json, pyarrow, pyarrow.feather, pyarrow.json
        table = pyarrow.table({"a": range(300_000), "b": [str(i) for i in range(300_000)]})
        pyarrow.feather.write_feather(table, "t.feather", compression="zstd")
        with open("t.jsonl", "w") as file:
            file.writelines(json.dumps({"a": i, "b": "x"}) + "\\n" for i in range(50_000))
        print(pyarrow.feather.read_feather("t.feather").shape, pyarrow.feather.read_table("t.feather", ["a"]).shape)
        print(pyarrow.json.read_json("t.jsonl").shape)
        """
    )
    assert recorded.code == 0 and not recorded.of("failed"), recorded.error
    frame, table, lines = recorded.of("read")
    assert (frame["call"], frame["format"], frame["columns"]) == ("pyarrow.feather.read_feather", "feather", ["a", "b"])
    assert table["asked_columns"] == ["a"] and table["rows"] == 300_000 and table["size_bytes"] == frame["size_bytes"]
    assert (lines["call"], lines["format"], lines["rows"]) == ("pyarrow.json.read_json", "json", 50_000)
    assert lines["path"].endswith("t.jsonl") and lines["asked_columns"] is None


def test_text_in_memory_is_no_file(program):
    """Nobody can store it in another format."""
    recorded = program(
        """
        import csv, io, pandas, pyarrow.csv
        text = "a,b\\n" + "".join(f"{i},{i}\\n" for i in range(200_000))
        print(pandas.read_csv(io.StringIO(text)).shape, pandas.read_csv(filepath_or_buffer=io.StringIO(text)).shape)
        print(pyarrow.csv.read_csv(io.BytesIO(text.encode())).shape, len(list(csv.reader(io.StringIO(text)))))
        """
    )
    assert recorded.code == 0 and not recorded.of("failed"), recorded.error
    assert [(note["format"], note["path"]) for note in recorded.of("read")] == [("memory", None)] * 4


def test_detach_restores_the_same_objects(program):
    recorded = program(
        """
        import csv, json, numpy, pandas, pyarrow.csv, pyarrow.feather, pyarrow.json, pyarrow.parquet, PIL.Image, sys
        names = [(csv, "reader"), (csv.DictReader, "__next__"), (json, "load"), (numpy, "load"),
                 (pandas, "read_csv"), (pandas, "concat"), (pandas.DataFrame, "iterrows"), (pandas.DataFrame, "apply"),
                 (pyarrow.csv, "read_csv"), (pyarrow.parquet, "read_table"), (pyarrow.json, "read_json"),
                 (pyarrow.feather, "read_feather"), (pyarrow.feather, "read_table"), (PIL.Image, "open")]
        code = lambda it: it.__code__ if type(it) is type(lambda: 0) else it
        state = lambda: [code(vars(owner)[name]) for owner, name in names]
        before, functions = state(), [vars(owner)[name] for owner, name in names]
        import os
        from bottleneck_profiler.agent import bootstrap as child
        child.start(os.environ["RUN_DIR"], "stacks=off")
        assert all(now is not value for now, value in zip(state(), before))
        import pickle
        assert pickle.loads(pickle.dumps(pandas.read_csv)) is pandas.read_csv
        child.detach_all()
        assert all(now is value for now, value in zip(state(), before))
        assert all(vars(owner)[name] is value for (owner, name), value in zip(names, functions))
        """,
        start=False,
    )
    assert recorded.code == 0, recorded.error
    assert {"pandas", "csv", "json", "numpy", "pillow", "pyarrow.csv", "pyarrow.feather", "pyarrow.json"} <= {
        n["collector"] for n in recorded.of("attached")
    }


@pytest.mark.parametrize("error", ["ValueError", "BaseException"])
@pytest.mark.parametrize(
    "target",
    ["support.reads.Reads.begin", "support.reads.Reads.end", "support.reads.Reads.note", "support.rows.Rows.note",
     "support.columns.Columns.track", "support.columns.Columns.seen", "support.columns.Columns.release",
     "csv._State.__init__"],
)  # fmt: skip
def test_a_failing_hook_changes_nothing(program, plainly, target, error):
    work = (
        READ
        + """
import csv
print(x["c1"].sum(), x.shape)
with open("wide.csv") as file:
    print(sum(float(row["c2"]) for row in csv.DictReader(file)))
with open("wide.csv") as file:
    print(sum(len(row) for row in csv.reader(file)))
print(x.head(500).apply(lambda row: row["c1"], axis=1).sum())
print(sum(row["c1"] for _, row in x.head(300).iterrows()))
"""
    )
    module, owner, name = target.rsplit(".", 2)
    plant = f"""
import pandas, csv
from bottleneck_profiler.collectors.support import columns, reads, rows
import sys
owner = sys.modules["bottleneck_profiler.collectors.{module}"].{owner}
def broken(*args, **kwargs):
    raise {error}("planted")
owner.{name} = broken
"""
    broken, plain = program(plant + work), plainly(work.replace("own.FOLLOW_NS = 0", ""))
    assert (broken.code, broken.output) == (plain.returncode, plain.stdout), broken.error
    assert any("planted" in note["error"] for note in broken.of("failed"))


@pytest.mark.parametrize("use, moves", [('x[x["c1"] > 5]["c2"].sum()', 1), ('x["c1"].sum(); x[["c1"]].sum()', 0)])
def test_row_filters_of_a_followed_frame_are_timed(program, use, moves):
    small = READ.replace(
        "own.FOLLOW_NS = 0", "own.FOLLOW_NS = 0; import bottleneck_profiler.collectors.support.columns as c"
    )
    recorded = program(small + "c.SMALL_NS = 1\n" + use)
    assert recorded.code == 0, recorded.error
    found = recorded.of("moved")
    assert len(found) == moves and all(note["read"] == 1 and note["wall_ns"] > 0 for note in found)
