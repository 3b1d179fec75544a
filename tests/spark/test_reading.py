"""Event logs of Spark become recordings: in every codec, rolled over, cut off; without what they say in secret."""

from __future__ import annotations

import gzip
import json

import bottleneck_profiler as bp
import pyarrow as pa
import pytest
from bottleneck_profiler import session
from bottleneck_profiler.importers import importer_of, spark
from bottleneck_profiler.recording.facts import Site
from bottleneck_profiler.recording.facts.spark import (
    SparkApplication,
    SparkExecutor,
    SparkFailures,
    SparkJob,
    SparkStage,
)
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.model import TASK_DTYPE

from .made import CALLED, Log, Task, evenly, lz4_block, node, xerial_snappy

TOKENS = ("hunter2", "AKIAIOSFODNN7", "hf_abcdefgh", "s3cr3t-sig")


def small() -> Log:
    tasks = [Task(2, 0.5, read=100, shuffle_write=7, gc=0.1), Task(2, 1.5, cpu=0.75, start=0.25, spilled=3)]
    return Log().executor().stage(0, tasks)


def one(recording, kind):
    return next(fact for _, fact in recording.facts.of(kind))


def test_a_log_becomes_tasks_stages_jobs_and_executors(tmp_path):
    recording = small().recording(tmp_path)
    assert recording.wall_seconds == 3.5
    first, second = recording.tasks
    assert (int(first["t0"]), int(first["t1"])) == (2_000_000_000, 2_500_000_000)
    assert (first["read"], first["shuffle_write"], first["gc_ms"], first["status"]) == (100, 7, 100, 0)
    assert (second["run_ms"], second["cpu_ms"], second["start_ms"]) == (1250, 750, 250)
    assert (second["spilled_disk"], second["spilled_memory"]) == (3, 12)
    stage, job, executor = (one(recording, kind) for kind in (SparkStage, SparkJob, SparkExecutor))
    assert (stage.id, stage.t0, stage.t1, stage.tasks) == (0, 2_000_000_000, 3_500_000_000, 2)
    assert (job.t1, job.failed) == (3_500_000_000, False)
    assert (executor.cores, executor.t0, executor.t1) == (4, 1_000_000_000, None)
    assert one(recording, SparkApplication).version == "3.5.1"
    assert recording.facts.site(0, stage.site) == Site("/code/job.py", 17, "")


def test_a_task_takes_no_more_than_its_row():
    assert TASK_DTYPE.itemsize <= 100


CODECS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": lambda content: pa.Codec("zstd").compress(content, asbytes=True),
    "zstd in two frames": lambda content: b"".join(
        pa.Codec("zstd").compress(part, asbytes=True) for part in (content[:999], content[999:])
    ),
    "lz4": lz4_block,
    "lz4, appended": lambda content: lz4_block(content[:999]) + lz4_block(content[999:]),
    "snappy": xerial_snappy,
    "snappy, appended": lambda content: xerial_snappy(content[:999]) + xerial_snappy(content[999:]),
}


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_gives_the_same(codec, tmp_path):
    expected = small().recording(tmp_path)
    log = tmp_path / "packed"
    log.write_bytes(CODECS[codec](small().lines()))
    assert importer_of(log) is spark
    found = spark.read(log)
    assert (found.tasks == expected.tasks).all() and not found.run["notes"]
    assert found.facts.notes == expected.facts.notes


@pytest.mark.parametrize("codec", ["gzip", "zstd", "lz4", "snappy"])
def test_a_log_that_is_cut_off_is_read_as_far_as_it_goes(codec, tmp_path):
    log = tmp_path / "packed"
    content = Log().executor().stage(0, evenly(400, 0.01)).lines()
    frames = range(0, len(content), 9999) if codec == "zstd" else [0]  # as Spark's are flushed now and then
    packed = b"".join(CODECS[codec](content[at : at + 9999] if len(frames) > 1 else content) for at in frames)
    log.write_bytes(packed[: len(packed) * 2 // 3])
    found = spark.read(log)
    assert 0 < len(found.tasks) < 400
    assert "is used as far as it goes" in found.run["notes"][0]
    assert not found.run["finished"] and not one(found, SparkApplication).complete


def test_an_application_that_still_runs(tmp_path):
    log = tmp_path / "application_1.inprogress"
    log.write_bytes(small().lines(ended=False)[:-20])
    found = spark.read(log)
    assert not found.run["finished"] and len(found.tasks) == 2
    assert found.run["notes"] == ["1 line of the log could not be read and are left out."]


def test_a_folder_of_rolled_files_is_one_log(tmp_path):
    lines = small().lines().splitlines(keepends=True)
    folder = tmp_path / "eventlog_v2_app-1"
    folder.mkdir()
    (folder / "appstatus_app-1").touch()
    for number, part in ((10, lines[6:]), (9, lines[:6])):
        packed = pa.Codec("zstd").compress(b"".join(part), asbytes=True)
        (folder / f"events_{number}_app-1.zstd").write_bytes(packed)
    assert importer_of(folder) is spark
    assert (spark.read(folder).tasks == small().recording(tmp_path).tasks).all()


def test_what_was_compacted_is_not_read_twice(tmp_path):
    folder = tmp_path / "eventlog_v2_app-1"
    folder.mkdir()
    lines = small().lines().splitlines(keepends=True)
    (folder / "events_1_app-1").write_bytes(b"".join(lines[:-3]))
    (folder / "events_1_app-1.compact").write_bytes(b"".join(lines[:-3]))
    (folder / "events_2_app-1").write_bytes(b"".join(lines[-3:]))
    assert len(spark.read(folder).tasks) == 2


def test_a_folder_of_several_applications_is_refused_in_one_line(tmp_path):
    (tmp_path / "a").write_bytes(small().lines())
    (tmp_path / "b").write_bytes(small().lines().replace(b"app-1", b"app-2"))
    with pytest.raises(RunError, match="several applications; import them one by one"):
        spark.read(tmp_path)


def test_damaged_lines_and_unknown_events_are_skipped(tmp_path):
    log = small()
    lines = log.add("VendorEvent", {"x": [1]}).lines()
    lines = lines.replace(b"\n", b'\n{"Event":"SparkListenerTaskEnd","Stage ID":"no"}\n{"Event":3}\n\xff\xfe\n[1]\n', 1)
    path = tmp_path / "log"
    path.write_bytes(lines)
    found = spark.read(path)
    assert len(found.tasks) == 2 and "4 lines" in found.run["notes"][0]


def test_a_file_that_holds_no_application_is_one_line(tmp_path):
    log = tmp_path / "log"
    log.write_text('{"Event":"SparkListenerLogStart","Spark Version":"3.5.1"}\n')
    with pytest.raises(RunError, match="holds no application") as raised:
        spark.read(log)
    assert "\n" not in str(raised.value)


def test_no_secret_is_kept(tmp_path):
    log = Log(settings={"spark.hadoop.fs.s3a.secret.key": TOKENS[0], "spark.executorEnv.HF_TOKEN": TOKENS[2]})
    scan = {
        **node("Scan csv ", text=f"FileScan csv [name#1] Filters: [(token#2 = {TOKENS[1]})]"),
        "metadata": {
            "Format": "CSV",
            "Location": f"InMemoryFileIndex(1 paths)[s3a://u:{TOKENS[0]}@b/t?sig={TOKENS[3]}]",
        },
    }
    log.executor().query(1, scan, end=5.0)
    failing = Task(2, 1, error="java.lang.IllegalStateException", text=f"cannot log in with {TOKENS[1]}")
    log.stage(0, [Task(2, 1), failing], query=1, failed=f"Job aborted: password={TOKENS[0]}")
    log.events[-2]["Properties"] = {"spark.password": TOKENS[0]}
    log.events[1]["System Properties"] = {"AWS_SECRET": TOKENS[1]}
    folder = session.store([log.write(tmp_path / "log")], tmp_path / "run")
    recording, diagnosis = session.analyse(folder)
    session.write(folder, recording, diagnosis)
    kept = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    assert b"s3a://b/t" in kept
    assert [token for token in TOKENS if token.encode() in kept] == []


def test_what_is_stored_is_what_was_read(tmp_path):
    log = small().write(tmp_path / "log")
    folder = session.store([log], tmp_path / "run")
    recording, diagnosis = session.analyse(folder)
    read = spark.read(log)
    assert (recording.tasks == read.tasks).all() and recording.wall_seconds == read.wall_seconds
    assert session.write(folder, recording, diagnosis) == []
    spans = json.loads((folder / "trace.jaeger.json").read_text())["data"][0]["spans"]
    assert "spark.stage" in {span["operationName"] for span in spans}


def test_the_stages_are_a_table(tmp_path):
    stages = bp.read(small().write(tmp_path / "log")).tables["stages"].to_pylist()
    (row,) = stages
    assert (row["stage"], row["tasks"], row["file"], row["line"]) == (0, 2, "/code/job.py", 17)
    assert (row["wall_seconds"], row["task_seconds"], row["read_bytes"]) == (1.5, 2.0, 100)


@pytest.mark.parametrize(
    "name, details, line",
    [
        ("distinct at /opt/word_count.py:17", "", Site("/opt/word_count.py", 17, "")),
        ("collect at <stdin>:1", "", Site("<stdin>", 1, "")),
        ("count at Job.scala:7", CALLED, Site("Job.scala", 7, "main")),
        ("count at Job.scala:7", "", None),
        ("count at Dataset.scala:1", CALLED, None),
        ("count at NativeMethodAccessorImpl.java:0", "", None),
        ("my own description", "", None),
    ],
)
def test_a_line_is_the_user_s_or_none(name, details, line, tmp_path):
    recording = Log().stage(0, [Task(1, 1)], name=name, details=details).recording(tmp_path)
    assert recording.facts.site(0, one(recording, SparkStage).site) == line


def test_a_python_error_names_its_line(tmp_path):
    text = (
        'Traceback (most recent call last):\n  File "/x/pyspark/worker.py", line 9, in main\n    process()\n'
        '  File "/code/udfs.py", line 4, in parse\n    return int(x)\nValueError: invalid literal\n\n\tat org.A\n'
    )
    tasks = [Task(2, 1, error="org.apache.spark.api.python.PythonException", text=text)]
    found = Log().stage(0, tasks).recording(tmp_path)
    failure = one(found, SparkFailures)
    assert (failure.error, failure.count) == ("ValueError", 1)
    assert found.facts.site(0, failure.site) == Site("/code/udfs.py", 4, "parse")
