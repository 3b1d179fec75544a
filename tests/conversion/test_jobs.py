"""Which files a finding means, by which call they are read, and the lines that change; where it is not known, why."""

from __future__ import annotations

import ast
from datetime import datetime
from pathlib import Path

import pytest
from bottleneck_profiler.collectors.support.options import given, options_of
from bottleneck_profiler.conversion import Job, NoConversion, jobs_of
from bottleneck_profiler.conversion.lines import patch
from bottleneck_profiler.diagnosis.findings import Location
from bottleneck_profiler.patching import NoPatch
from bottleneck_profiler.recording.model import Site
from etl import test_detectors as made
from patching.files import RUN, written

LINE = Location("/home/me/train.py", 12)


def reads_of(folder: Path, *names: str, **more):
    found = []
    for number, name in enumerate(names, 1):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("a\n1\n")
        fields = {"options": {"sep": ","}, "library": "3.0", "path": str(folder / name), **more}
        found.append(made.read(number, 0.5, number=number, **fields))
    return found


def jobs(*reads, location=LINE, folder=None):
    return jobs_of(made.recording(*reads), location, folder)


def test_every_file_of_the_line_once(tmp_path):
    reads = [*reads_of(tmp_path, "a.csv", "b.csv.gz"), *reads_of(tmp_path, "a.csv")]
    found = jobs(*reads)
    assert [job.target.name for job in found] == ["a.parquet", "b.csv.parquet"]
    assert found[0] == Job(tmp_path / "a.csv", tmp_path / "a.parquet", "pandas.read_csv", {"sep": ","}, "3.0")
    assert jobs(*reads, folder=tmp_path / "x")[1].target == tmp_path / "x" / "b.csv.parquet"


@pytest.mark.parametrize(
    "more, why",
    [
        ({"options": None}, "were not recorded"),
        ({"hidden": ["converters"]}, "was given converters"),
        ({"call": "csv.reader"}, "not converted here"),
        ({"path": None, "count": 7}, "7 of the files"),
        ({"path": "s3://bucket/a.csv"}, "no file of this machine"),
        ({"path": "/nowhere/a.csv"}, "gone since the run"),
        ({"site": None}, "reads no text file"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path, more, why):
    with pytest.raises(NoConversion, match=why) as reason:
        jobs(*reads_of(tmp_path, "a.csv", **more))
    assert "\n" not in str(reason.value)


def test_one_file_has_one_reading_and_one_name(tmp_path):
    with pytest.raises(NoConversion, match="different arguments"):
        jobs(*reads_of(tmp_path, "a.csv"), *reads_of(tmp_path, "a.csv", options={"nrows": 5}))
    with pytest.raises(NoConversion, match="would both become"):
        jobs(*reads_of(tmp_path, "x/a.csv", "y/a.csv"), folder=tmp_path)
    with pytest.raises(NoConversion, match="another tool"):
        recording = made.recording(*reads_of(tmp_path, "a.csv"))
        recording.run["imported"] = True
        jobs_of(recording, LINE)


class Text(str):
    pass


def test_only_arguments_that_cannot_be_secrets_are_recorded():
    def read(path, /, sep=",", *, usecols=None, dtype=None, storage_options=None, converters=None, na_values=None):
        raise AssertionError

    def of(**arguments):
        return options_of(given(read, ("a.csv",), {**read.__kwdefaults__, "sep": ",", **arguments}))

    assert of() == ({}, [])
    assert of(sep=";", usecols=["a", "b"]) == ({"sep": ";", "usecols": ["a", "b"]}, [])
    assert of(dtype={"a": str, "b": "int8"}) == ({"dtype": {"a": "str", "b": "int8"}}, [])
    assert of(storage_options={"key": "secret"}, converters={"a": len}) == ({}, ["storage_options", "converters"])
    for odd in (len, Text("a"), float("nan"), "x" * 1000, {1: "a"}, datetime(2026, 1, 1), [[object()]]):
        assert of(na_values=odd) == ({}, ["na_values"])
    numpy = pytest.importorskip("numpy")
    assert of(dtype=numpy.float32) == ({"dtype": "float32"}, [])
    assert of(dtype=numpy.dtype("i4")) == ({"dtype": "int32"}, [])


def lines(folder: Path, text: str, call="pandas.read_csv", output=None) -> list[str]:
    """The file's lines once they read Parquet."""
    script = written(folder, text)
    line = 1 + text[: text.index("read_csv(")].count("\n")
    found = patch([Job(Path("a.csv"), Path("a.parquet"), call, {})], Location(str(script), line), RUN, output)
    ast.parse(found.after)
    assert found.before == text.encode() and script.read_text() == text
    return found.after.decode().splitlines()


def test_the_line_reads_the_parquet_file(tmp_path):
    plain = "import pandas as pd\nx = pd.read_csv('d/a.csv', sep=';')  # all of it\n"
    assert lines(tmp_path, plain)[1] == "x = pd.read_parquet('d/a.parquet')  # all of it"
    assert lines(tmp_path, plain, output=Path("/o"))[1] == "x = pd.read_parquet('/o/a.parquet')  # all of it"
    named = '"""Doc."""\nfrom __future__ import annotations\nimport pandas\nx = pandas.read_csv(where)\n'
    assert lines(tmp_path, named)[2:] == [
        "from pathlib import Path",
        "import pandas",
        'x = pandas.read_parquet(Path(where).with_suffix(".parquet"))',
    ]
    known = "from pathlib import Path\nimport pandas\nx = pandas.read_csv(where)\n"
    elsewhere = "x = pandas.read_parquet(Path('/o', Path(where).with_suffix(\".parquet\").name))"
    assert lines(tmp_path, known, output=Path("/o")) == [*known.splitlines()[:2], elsewhere]
    arrow = "from pyarrow import csv\nx = csv.read_csv('a.csv')\n"
    found = lines(tmp_path, arrow, "pyarrow.csv.read_csv")
    assert found == ["import pyarrow.parquet", arrow.splitlines()[0], "x = pyarrow.parquet.read_table('a.parquet')"]


@pytest.mark.parametrize(
    "text, why",
    [
        ("import pandas as pd\nx = [pd.read_csv('a'), pd.read_csv('b')]\n", "2 calls"),
        ("from pandas import read_csv\nx = read_csv('a.csv')\n", "by name"),
        ("import pandas as pd\nx = pd.read_csv(*names)\n", "names no file"),
        ("import pandas as pd\nPath = 1\nx = pd.read_csv(name)\n", "something else"),
        ("import pandas as pd\nx = pd.read_csv(name(\n1))\n", "several lines"),
    ],
)
def test_a_line_that_is_not_certain_has_no_patch(tmp_path, text, why):
    with pytest.raises(NoPatch, match=why):
        lines(tmp_path, text)


def test_sites_of_other_lines_do_not_count(tmp_path):
    recording = made.recording(*reads_of(tmp_path, "a.csv"), *reads_of(tmp_path, "b.csv", site=2))
    recording.facts.sites[0, 2] = Site(LINE.file, 13, "load")
    assert [job.source.name for job in jobs_of(recording, LINE)] == ["a.csv"]


def test_a_decorated_call_whose_arguments_have_no_names_hides_them():
    """As ``read_csv`` of pandas before 2.0 is."""

    def read(*args, **kwargs):
        """A wrapper."""

    assert given(read, ("a.csv",), {"sep": ";"}) == {"sep": ";"}
    assert options_of(given(read, ("a.csv", ";"), {})) == ({}, ["an argument"])
    assert given(len, ("a.csv",), {}) == {}
