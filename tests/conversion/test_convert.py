"""A text file becomes Parquet only where the program gets the very same table; nothing of the user's is touched."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from bottleneck_profiler import conversion
from bottleneck_profiler.conversion import Job, NoConversion, _worker, convert, streaming
from bottleneck_profiler.conversion._own_read import OwnRead

pandas = pytest.importorskip("pandas")

TEXT = "id,town,day,price,ok\n" + "".join(
    f"{i},{('Bern', 'NA', '')[i % 3]},2026-01-{i % 28 + 1:02d},{i / 7},True\n" for i in range(900)
)


class InProcess(OwnRead):
    """The worker's classes, without a process of their own."""

    def __enter__(self):
        self._answers = _worker.Answers()
        self._read()
        return self

    def __exit__(self, *error):
        pass

    def _answer(self, request):
        return self._answers.to(request)


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(conversion, "OwnRead", InProcess)


def job_of(folder: Path, text: str = TEXT, call: str = "pandas.read_csv", name: str = "a.csv", **options) -> Job:
    (folder / name).write_text(text)
    return Job(folder / name, folder / "a.parquet", call, options)


def converted(job: Job) -> conversion.Converted:
    return convert(job, sys.executable, lambda done, size: None)


def refused(job: Job) -> str:
    """Why, in one line; the folder is as it was."""
    before = {path.name: path.read_bytes() for path in job.source.parent.iterdir()}
    with pytest.raises(NoConversion) as why:
        converted(job)
    assert {path.name: path.read_bytes() for path in job.source.parent.iterdir()} == before
    assert "\n" not in str(why.value)
    return str(why.value)


def equal(job: Job) -> None:
    own = getattr(pandas, job.call.rpartition(".")[2])(job.source, **job.options)
    pandas.testing.assert_frame_equal(own, pandas.read_parquet(job.target))


@pytest.mark.parametrize(
    "text, options, streams",
    [
        (TEXT, {}, True),  # "NA" is missing, dates are text
        (TEXT, {"usecols": ["price", "id"]}, True),
        (TEXT, {"dtype": {"price": "float32", "id": "int16"}}, True),
        (TEXT.replace(",", ";"), {"sep": ";"}, True),
        ('a,b\n"x, y","NA"\n"two\nlines",""\n', {}, True),
        ("a,b\n1,\n2,5\n", {}, True),  # whole numbers with a missing one are floats
        (TEXT, {"parse_dates": ["day"]}, False),
        (TEXT, {"keep_default_na": False}, False),
        (TEXT, {"na_values": ["Bern"]}, False),
        (TEXT, {"index_col": "id"}, False),
        (TEXT, {"dtype": {"town": "category"}}, False),
        (TEXT, {"nrows": 7}, False),
        ("# by hand\n" + TEXT, {"comment": "#"}, False),
        ("a  b\n1  2\n", {"sep": r"\s+"}, False),
        ("a,a\n1,2\n", {}, False),  # columns of one name get numbers
    ],
)
def test_the_parquet_file_is_what_the_call_reads(tmp_path, here, monkeypatch, text, options, streams):
    job = job_of(tmp_path, text, **options)
    wrote = []
    monkeypatch.setattr(
        conversion,
        "write_text_as_parquet",
        lambda *words: wrote.append(streaming.write_text_as_parquet(*words)) or wrote[-1],
    )
    done = converted(job)
    equal(job)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.parquet"]
    assert done.codec in streaming.CODECS and done.parquet_bytes == job.target.stat().st_size
    assert (True in wrote) or not streams


def test_json_becomes_what_its_own_reader_gives(tmp_path, here):
    job = job_of(tmp_path, '{"a": 1, "day": "2026-01-02"}\n{"a": null, "day": "x"}\n', "pandas.read_json", lines=True)
    assert converted(job).rows == 2
    equal(job)


def test_polars_reads_what_it_read(tmp_path, here):
    polars = pytest.importorskip("polars")
    job = job_of(tmp_path, TEXT, "polars.read_csv", try_parse_dates=True)
    assert converted(job).rows == 900
    own = polars.read_csv(job.source, try_parse_dates=True)
    assert polars.read_parquet(job.target).equals(own, null_equal=True)
    polars.read_csv(job.source).write_parquet(job.target)
    assert "was left alone" in refused(job)


@pytest.mark.parametrize("suffix, opened", [(".gz", "gzip"), (".bz2", "bz2")])
def test_compressed_text_is_a_stream_too(tmp_path, here, suffix, opened):
    job = job_of(tmp_path)
    packed = tmp_path / ("a.csv" + suffix)
    with __import__(opened).open(packed, "wt") as file:
        file.write(TEXT)
    job = Job(packed, tmp_path / "a.csv.parquet", job.call, {})
    assert streaming._compression(job) == {".gz": "gzip", ".bz2": "bz2"}[suffix]
    converted(job)
    equal(job)


def test_row_groups_hold_what_was_chosen(tmp_path, here, monkeypatch):
    monkeypatch.setattr(streaming, "GROUP_BYTES", 20_000)
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 4096)
    done = converted(job_of(tmp_path))
    rows = [parquet.ParquetFile(tmp_path / "a.parquet").metadata.row_group(i).num_rows for i in range(done.groups)]
    assert done.groups > 2 and sum(rows) == 900 and len(set(rows[:-1])) == 1


def test_arrow_reads_what_it_read_from_text(tmp_path, here):
    arrow_csv = pytest.importorskip("pyarrow.csv")
    job = job_of(tmp_path, TEXT.replace("0.0", "nan"), "pyarrow.csv.read_csv")
    converted(job)
    table, back = arrow_csv.read_csv(job.source), parquet.read_table(job.target)
    assert back.schema == table.schema and back["town"].equals(table["town"]) and back["day"].equals(table["day"])


def test_a_table_that_parquet_cannot_hold_is_refused(tmp_path, here):
    assert "None instead of nan in row 1" in refused(job_of(tmp_path, "a\nTrue\nNA\n"))  # an object column
    assert "pandas.read_csv on a.csv: " in refused(job_of(tmp_path, "1,2\n3,4\n", header=None))  # no names


def test_another_value_is_refused(tmp_path, here, monkeypatch):
    job = job_of(tmp_path)
    other = job_of(tmp_path, TEXT.replace("Bern", "Rome", 1), name="b.csv")
    monkeypatch.setattr(
        _worker.Pandas, "write", lambda self, parquet, codec, rows: pandas.read_csv(other.source).to_parquet(parquet)
    )
    monkeypatch.setattr(conversion, "write_text_as_parquet", lambda *words: False)
    assert "column town has 'Rome' instead of 'Bern' in row 0" in refused(job)


def test_a_file_that_is_there_is_compared_and_left_alone(tmp_path, here):
    job = job_of(tmp_path)
    converted(job)
    assert converted(job).codec == ""
    pandas.read_csv(job.source).head(5).to_parquet(job.target)
    assert "was left alone" in refused(job)
    job.target.write_bytes(b"no Parquet")
    assert "a.csv" in refused(job)


def test_one_that_appears_meanwhile_is_left_alone(tmp_path, here, monkeypatch):
    job = job_of(tmp_path)

    def taken(part):
        job.target.write_text("somebody's")
        return 1

    monkeypatch.setattr(conversion, "_finish", taken)
    with pytest.raises(NoConversion, match="appeared meanwhile"):
        converted(job)
    assert job.target.read_text() == "somebody's" and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("where", ["write_text_as_parquet", "_finish"])
def test_a_full_disk_costs_one_line(tmp_path, here, monkeypatch, where, number):
    def fails(*words):
        for word in words:
            if isinstance(word, Path):
                word.write_bytes(b"half")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(conversion, where, fails)
    assert os.strerror(number) in refused(job_of(tmp_path))


def test_what_a_killed_conversion_left_behind_goes_with_the_next_one(tmp_path, here):
    job = job_of(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f".a.parquet.{conversion._machine()}-{pid}.part" for pid in (gone.pid, os.getppid())]
    names += [f".a.parquet.00000000-{gone.pid}.part", f".b.parquet.{conversion._machine()}-{gone.pid}.part"]
    for name in names:
        (tmp_path / name).write_text("half")
    converted(job)
    # Of a conversion in progress, of another machine, and of another file.
    assert sorted(each.name for each in tmp_path.iterdir() if each.suffix == ".part") == sorted(names[1:])


def test_a_file_that_may_not_grow_costs_one_line(tmp_path):
    """As on a full disk: the Parquet file cannot be written to its end."""
    job = job_of(tmp_path, "a,b\n" + "".join(f"{i},{i / 7}\n" for i in range(60_000)))
    code = (
        "import resource, sys, pathlib\n"
        "from bottleneck_profiler.conversion import Job, NoConversion, convert\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "job = Job(*map(pathlib.Path, sys.argv[1:3]), 'pandas.read_csv', {}, sys.argv[3])\n"
        "try:\n    convert(job, sys.executable, print)\n"
        "except NoConversion as error:\n    print('ERROR', error)\n"
    )
    words = [sys.executable, "-c", code, str(job.source), str(job.target), pandas.__version__]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    line = done.stdout.rpartition("ERROR ")[2].splitlines()
    assert done.returncode == 0 and len(line) == 1 and os.strerror(errno.EFBIG) in line[0], done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_too_little_room_is_known_before(tmp_path, here, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert "MB left" in refused(job_of(tmp_path))


def test_a_folder_that_cannot_be_written(tmp_path, here, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "choose another folder with --output" in refused(job_of(tmp_path))
    job = job_of(tmp_path)
    assert "no folder" in refused(Job(job.source, tmp_path / "none" / "a.parquet", job.call, {}))


def test_a_disk_without_links_gets_the_file_too(tmp_path, here, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *names: (_ for _ in ()).throw(OSError(errno.EPERM, "no links here")))
    job = job_of(tmp_path)
    converted(job)
    equal(job)


def test_the_programs_python_reads_in_a_process_of_its_own(tmp_path):
    job = job_of(tmp_path)
    assert converted(job).rows == 900
    equal(job)
    job.target.unlink()
    assert "pandas 0.1" in refused(Job(job.source, job.target, job.call, {}, "0.1"))
    with pytest.raises(NoConversion, match="cannot start"):
        convert(job, str(tmp_path / "python"), lambda done, size: None)
    assert "nowhere" in refused(Job(job.source, job.target, job.call, {"index_col": "nowhere"}))


def test_a_read_that_is_killed_says_so(tmp_path):
    job = job_of(tmp_path)
    killer = tmp_path / "python"
    killer.write_text("#!/bin/sh\nkill -9 $$\n")
    killer.chmod(0o755)
    with pytest.raises(NoConversion, match="lack of memory"):
        convert(job, str(killer), lambda done, size: None)
