"""The probe parses a text file as the program did, or says nothing; files of several dialects."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.etl.csv_instead_of_parquet import CsvInsteadOfParquet
from bottleneck_profiler.detectors.etl.unused_columns import UnusedColumns
from bottleneck_profiler.diagnosis.findings import Finding
from bottleneck_profiler.enrich import _trial, probe
from bottleneck_profiler.recording.facts import Probe
from bottleneck_profiler.recording.model import Site

from etl import test_detectors as made

ROWS = 30_000


def lines(separator, header="a,b,name", decimal="."):
    head = header.replace(",", separator) + "\n" if header else ""
    return head + "".join(
        separator.join((str(i), f"{i * 0.5:.1f}".replace(".", decimal), f"n{i % 9}")) + "\n" for i in range(ROWS)
    )


def tried(folder, text, columns=("a", "b", "name"), dtypes=("int64", "float64", "object"), reads=2, used=None, **more):
    """(recording, result of the probe) of a file that the program read several times."""
    path = folder / "a.csv"
    path.write_text(text)
    (folder / "tables").mkdir(exist_ok=True)
    size = path.stat().st_size
    more = {"path": str(path), "size_bytes": size, "columns": columns, "dtypes": list(dtypes), **more}
    notes = [made.read(i * 2, 2, number=i + 1, **more) for i in range(reads)]
    recording = made.recording(*notes, *([made.used(used)] if used else []))
    probe.enrich(folder, recording, budget_seconds=60)
    (first, *_) = recording.facts.of(Probe)
    return recording, first[1]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_columns_of_the_read_choose_the_delimiter(tmp_path, separator):
    recording, result = tried(tmp_path, lines(separator))
    assert result.write_seconds > 0
    found = run_all([CsvInsteadOfParquet()], Artifacts(recording))["csv-instead-of-parquet"]
    assert isinstance(found, Finding) and found.gain.confidence == 0.6


def test_a_pipe_is_not_opened(tmp_path):
    """Its reader would wait for a writer that is gone."""
    for name in ("p.csv", "p.csv.gz"):
        os.mkfifo(tmp_path / name)
        _, result = tried(tmp_path, lines(","), path=str(tmp_path / name), size_bytes=0)
        assert result.parquet_seconds is None


def test_used_columns_are_tried_with_the_same_delimiter(tmp_path):
    _, result = tried(tmp_path, lines(";"), used=["a"])
    if _trial.import_pandas() is not None:
        assert result.used_seconds > 0 and result.all_seconds > 0


@pytest.mark.parametrize(
    "text, more",
    [
        (lines("~"), {}),  # a delimiter that nobody guesses
        ("# a comment\n# another\n" + lines(","), {}),  # skiprows
        (lines(";", decimal=","), {}),  # numbers that are not numbers without decimal=","
        (lines(","), {"columns": ("x", "y", "z")}),  # names=
    ],
    ids=["delimiter", "skiprows", "decimal", "names"],
)
def test_other_columns_than_the_programs_are_no_probe(tmp_path, text, more):
    recording, result = tried(tmp_path, text, **more)
    assert result.parquet_seconds is None
    found = run_all([CsvInsteadOfParquet()], Artifacts(recording))["csv-instead-of-parquet"]
    assert found.gain.confidence == 0.4 and "published" in found.gain.method


def test_a_file_without_a_header_is_tried(tmp_path):
    _, result = tried(tmp_path, lines(";", header=""), columns=("0", "1", "2"))
    assert result.parquet_seconds > 0


def test_chosen_columns_are_a_part_of_the_file(tmp_path):
    _, result = tried(tmp_path, lines(","), columns=("a",), dtypes=("int64",), asked_columns=["a"])
    assert result.parquet_seconds > 0


def test_the_statement_is_the_users(tmp_path):
    script = tmp_path / "s.py"
    script.write_text("import pandas as pd\nframe = pd.read_csv(path, sep=';')\n")
    path = tmp_path / "a.csv"
    path.write_text(lines(";"))
    recording = made.recording(made.read(1, 4, path=str(path), columns=("a", "b"), size_bytes=None))
    recording.facts.sites[0, 1] = Site(str(script), 2, "<module>")
    probe.enrich(tmp_path, recording, budget_seconds=60)
    (note,) = recording.facts.of(Probe)
    assert note[1].source == "frame = pd.read_csv(path, sep=';')" and note[1].parquet_seconds > 0


def test_a_text_file_that_is_not_tried_still_has_its_line(tmp_path):
    script = tmp_path / "s.py"
    script.write_text("import numpy as np\ndata = np.loadtxt(path, delimiter=';')\n")
    recording = made.recording(made.read(1, 4, form="text", call="numpy.loadtxt"))
    recording.facts.sites[0, 1] = Site(str(script), 2, "<module>")
    probe.enrich(tmp_path, recording)
    (note,) = recording.facts.of(Probe)
    assert note[1] == Probe(1, "data = np.loadtxt(path, delimiter=';')")


@pytest.mark.parametrize("used, more", [(["a"], {}), (None, {}), (["a"], {"asked_columns": ["a", "b"]})])
def test_a_columnar_file_is_tried_with_the_used_columns(tmp_path, used, more):
    path = tmp_path / "a.parquet"
    values = {name: list(range(100_000)) for name in "abcdefghij"}
    parquet.write_table(pyarrow.table(values), path, row_group_size=10_000)
    more = {"path": str(path), "size_bytes": path.stat().st_size, "columns": list("abcdefghij"), **more}
    notes = [made.read(i * 2, 2, number=i + 1, form="parquet", call="pandas.read_parquet", **more) for i in range(2)]
    recording = made.recording(*notes, *([made.used(used)] if used else []))
    probe.enrich(tmp_path, recording, budget_seconds=60)
    (first, *_) = recording.facts.of(Probe)
    assert (first[1].used_seconds is not None) == (used is not None and "asked_columns" not in more)
    if first[1].used_seconds is not None:
        assert 0 < first[1].used_seconds < first[1].all_seconds
        found = run_all([UnusedColumns()], Artifacts(recording))["unused-columns"]
        assert isinstance(found, Finding) and "tried on the file" in found.gain.method


def test_columns_that_nobody_uses_are_not_filtered_either():
    read, used = made.read(1, 4, columns=list("abcdefghij")), [made.used(["a"]), made.used(["c"])]
    moved = "moved", {"read": 1, "wall_ns": 1_000_000_000}
    found, alone = (made.judge(UnusedColumns, read, *used, *more) for more in ((moved,), ()))
    assert found.gain.seconds == pytest.approx(alone.gain.seconds + 0.8)


def test_probe_tries_the_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b,name\n" + "".join(f"{i},{i * 0.5},n{i % 9}\n" for i in range(40_000)))
    (tmp_path / "tables").mkdir()
    kinds = ["int64", "float64", "str"]
    recording = made.recording(
        made.read(1, 4, path=str(path), size_bytes=path.stat().st_size, columns=("a", "b", "name"), dtypes=kinds)
    )
    probe.enrich(tmp_path, recording, budget_seconds=60)
    (note,) = recording.facts.of(Probe)
    assert note[1].read == 1
    assert 0 < note[1].parquet_low_seconds <= note[1].parquet_high_seconds
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "tables"]
    probe.enrich(tmp_path, recording)
    assert len(recording.facts.of(Probe)) == 1


def test_probe_says_that_a_file_is_gone(tmp_path):
    recording = made.recording(made.read(1, 8, path=str(tmp_path / "gone.csv")))
    (said,) = probe.enrich(tmp_path, recording)
    assert said == f"{tmp_path / 'gone.csv'} was not tried in another format: No such file or directory."
    (note,) = recording.facts.of(Probe)
    assert note[1].parquet_seconds is None
    found = run_all([CsvInsteadOfParquet()], Artifacts(recording))["csv-instead-of-parquet"]
    assert found.gain.confidence == 0.4


def test_statement_finds_the_users_names(tmp_path):
    file = tmp_path / "s.py"
    file.write_text("import pandas as pd\ndef f(p):\n    trips = pd.read_csv(\n        p,\n    )\n    return trips\n")
    assert probe.statement(str(file), 3) == "trips = pd.read_csv(p)"
    assert probe.statement(str(tmp_path / "none.py"), 3) == ""


def test_a_line_that_reads_many_files_is_tried_on_the_one_that_takes_longest(tmp_path):
    notes = []
    for number in range(1, 21):  # of a run of ten seconds, each file is 1 to 1.6 percent
        path = tmp_path / f"{number}.csv"
        path.write_text(lines(",") if number == 7 else "a,b,name\n")
        columns, kinds = ("a", "b", "name"), ["int64", "float64", "object"]
        more = {"path": str(path), "size_bytes": path.stat().st_size, "columns": columns, "dtypes": kinds}
        notes.append(made.read(number / 3, 0.16 if number == 7 else 0.1, number=number, **more))
    recording = made.recording(*notes)
    probe.enrich(tmp_path, recording, budget_seconds=60)
    ((_, found),) = recording.facts.of(Probe)
    assert found.read == 7 and found.parquet_seconds > 0
    judged = run_all([CsvInsteadOfParquet()], Artifacts(recording))["csv-instead-of-parquet"]
    assert isinstance(judged, Finding) and judged.gain.confidence == 0.6


def test_a_disk_that_is_full_costs_a_sentence(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=_trial.FREE_BYTES - 1))
    path = tmp_path / "a.csv"
    path.write_text(lines(","))
    recording = made.recording(made.read(1, 4, path=str(path), size_bytes=path.stat().st_size))
    (said,) = probe.enrich(tmp_path, recording, budget_seconds=60)
    assert "No space left on device" in said and [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_that_may_not_grow_costs_a_sentence(tmp_path):
    """As on a disk that fills up meanwhile."""
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i / 7}\n" for i in range(60_000)))
    code = (
        "import resource, sys, pathlib\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from etl import test_detectors as made\n"
        "from bottleneck_profiler.enrich import probe\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "notes = made.read(1, 4, path=str(path), size_bytes=path.stat().st_size, columns=('a', 'b'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "print(*probe.enrich(path.parent, made.recording(notes), budget_seconds=60), sep='\\n')\n"
    )
    words = [sys.executable, "-c", code, str(path), str(Path(__file__).parent.parent)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    (line,) = done.stdout.splitlines()
    assert line == f"{path} was not tried in another format: {os.strerror(errno.EFBIG)}.", done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_without_a_probe_the_line_is_known_and_nothing_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "measure", lambda *words: pytest.fail("the file was read"))
    script = tmp_path / "s.py"
    script.write_text("import pandas as pd\nframe = pd.read_csv(path)\n")
    recording = made.recording(made.read(1, 4, path=str(script)))
    recording.facts.sites[0, 1] = Site(str(script), 2, "<module>")
    recording.run["probe"] = False
    assert probe.enrich(tmp_path, recording, budget_seconds=60) == []
    assert [note for _, note in recording.facts.of(Probe)] == [Probe(1, "frame = pd.read_csv(path)")]


def test_compressed_text_is_tried_unpacked(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(lines(",").encode()))
    more = {"path": str(path), "size_bytes": path.stat().st_size, "columns": ("a", "b", "name")}
    kinds = ["int64", "float64", "object"]
    recording = made.recording(made.read(1, 4, dtypes=kinds, **more), made.read(5, 2, number=2, dtypes=kinds, **more))
    assert probe.enrich(tmp_path, recording, budget_seconds=60) == []
    (first, _) = recording.facts.of(Probe)
    assert first[1].parquet_seconds > 0 and first[1].feather_seconds > 0
    assert 0 < first[1].zstd_seconds < first[1].unpack_seconds
    found = run_all([CsvInsteadOfParquet()], Artifacts(recording))["csv-instead-of-parquet"]
    labels = [each.label for each in found.evidence]
    assert "CPU time to unpack the first file, if packed with zstd" in labels
    assert "time to read the first file as Feather (measured)" in labels


def test_lines_of_json_are_tried_and_judged_as_a_table(tmp_path):
    text = "".join('{"a": %d, "name": "n%d"}\n' % (i, i % 9) for i in range(ROWS))
    call = {"form": "json", "call": "pandas.read_json"}
    recording, result = tried(tmp_path, text, columns=("a", "name"), dtypes=("int64", "str"), **call)
    assert result.parquet_seconds > 0
    found = run_all([CsvInsteadOfParquet()], Artifacts(recording))["csv-instead-of-parquet"]
    assert isinstance(found, Finding) and found.gain.confidence == 0.6
    _, result = tried(tmp_path, f"[{text.strip().replace(chr(10), ',')}]", columns=("a", "name"), **call)
    assert result.parquet_seconds is None  # one document: a part of it is none


def test_json_that_gives_objects_is_no_table():
    recording = made.recording(made.read(1, 4, form="json", call="json.load", path="/data/a.json"))
    found = run_all([CsvInsteadOfParquet()], Artifacts(recording))["csv-instead-of-parquet"]
    assert not isinstance(found, Finding)


@pytest.mark.parametrize("rows, tries", [(3, True), (4, False)])
def test_a_workbook_is_tried_with_calamine_if_it_gives_the_same_table(tmp_path, monkeypatch, rows, tries):
    class Table:
        columns = ("a", "b")

        def __len__(self):
            return 3

    class Pandas:
        def read_excel(self, path, engine, **options):
            assert engine == "calamine" and options == {"sheet_name": "x"}
            return Table()

    monkeypatch.setattr(_trial, "import_pandas", Pandas)
    monkeypatch.setattr(_trial, "_ENGINE", "json")  # a module that is there
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK")
    more = {"path": str(path), "size_bytes": 2, "rows": rows, "options": {"sheet_name": "x", "engine": "openpyxl"}}
    recording = made.recording(
        made.read(1, 4, form="excel", call="pandas.read_excel", columns=("a", "b"), hidden=[], **more)
    )
    probe.enrich(tmp_path, recording, budget_seconds=60)
    ((_, note),) = recording.facts.of(Probe)
    assert (note.engine_seconds is not None) == tries


def test_a_pattern_is_no_file_that_is_missing(tmp_path):
    (tmp_path / "clicks-0.csv").write_text("a\n1\n")
    recording = made.recording(made.read(1, 8, path=str(tmp_path / "clicks-*.csv")))
    assert probe.enrich(tmp_path, recording) == []
    assert len(recording.facts.of(Probe)) == 1
