"""Each cause in a made log fires, and what only looks like it stays silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bottleneck_profiler import detectors, session
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Location
from bottleneck_profiler.importers import spark

from .made import BEGAN, Log, Task, evenly, node

MB = 1 << 20
LINE = Location("/code/job.py", 17, "")


def outcome(log: Log, name: str, tmp_path) -> Any:
    found = [each for each in detectors.all_detectors() if each.id == name]
    return detectors.run_all(found, log.artifacts(tmp_path))[name]


def scan(name: str, count: int, size: int, first: int = 10) -> tuple[dict[str, Any], dict[int, float]]:
    """A scan of files, and the values of its metrics."""
    plan = node(name, number_of_files_read=(first, "sum"), size_of_files_read=(first + 1, "size"))
    return plan, {first: count, first + 1: size}


def skewed() -> Log:
    tasks = [Task(2, 1, shuffle_read=MB) for _ in range(7)] + [Task(2, 12, shuffle_read=20 * MB)]
    return Log().executor(cores=8).stage(0, tasks)


def spilling(spilled: int = 900 * MB) -> Log:
    return Log().executor().stage(0, evenly(8, 20, spilled=spilled // 8, shuffle_read=MB))


def join(small: int, large: int, kind: str = "Inner", swapped: bool = False) -> Log:
    """A sort-merge join of two shuffled tables; the small one is on the right."""
    sides = [
        node("Sort", node("Exchange", node("Scan parquet"), data_size=(a, "size")), sort_time=(a + 1, "timing"))
        for a in (10, 20)
    ]
    sizes = {10: large, 20: small} if not swapped else {10: small, 20: large}
    plan = node("SortMergeJoin", *sides, text=f"SortMergeJoin [k#1], [k#2], {kind}", number_of_output_rows=(30, "sum"))
    log = Log().executor().query(1, plan)
    log.stage(0, evenly(4, 4, shuffle_write=large // 4, write=1), query=1, values={10: sizes[10]})
    log.stage(1, evenly(4, 1, at=6), query=1, values={20: sizes[20]})
    values = {**sizes, 11: 4000, 21: 1, 30: 5}
    return log.stage(2, evenly(4, 5, at=7, shuffle_read=large // 4), query=1, values=values)


def files(count: int, size: int) -> Log:
    plan, values = scan("Scan parquet ", count, size)
    return Log().executor().query(1, plan).stage(0, evenly(40, 1, read=size // 40), query=1, values=values)


def csv(*above: str) -> Log:
    plan, values = scan("Scan csv ", 4, 900 * MB)
    for name in above:
        plan = node(name, plan)
    tasks = evenly(8, 4, read=100 * MB, written=MB if above else 0)
    return Log().executor().query(1, plan, end=20).stage(0, tasks, query=1, values=values)


def python(operator: str = "BatchEvalPython", cpu: float = 0.2) -> Log:
    return Log().executor().stage(0, evenly(8, 2, cpu=cpu), operators=[operator])


def failing(error: str = "java.lang.IllegalStateException", count: int = 6) -> Log:
    tasks = [Task(2, 2, error=error) for _ in range(count)]
    return Log().executor(cores=4).stage(0, tasks + evenly(8, 2, at=6))


def cluster(work: float, end: float, first_job: float = 5.0, executors_at: float = 4.0) -> Log:
    log = Log().executor(cores=4, at=executors_at).stage(0, evenly(4, work, at=first_job))
    log.end = end
    return log


def shuffling(share: float) -> Log:
    return Log().executor().stage(0, evenly(8, 3, fetch=3 * share, cpu=0.3))


def collecting(share: float, first: float = 0.0) -> Log:
    tasks = evenly(4, 1, gc=first) + evenly(16, 1, at=3, gc=share)
    return Log().executor().stage(0, tasks)


def tiny(seconds: float, start: float, count: int = 400) -> Log:
    return Log().executor().stage(0, evenly(count, seconds, start=start))


FIRES: dict[str, Callable[[], Log]] = {
    "partition-skew": skewed,
    "huge-partition": spilling,
    "missed-broadcast": lambda: join(1 * MB, 2000 * MB),
    "small-files": lambda: files(3000, 300 * MB),
    "csv-scan": csv,
    "python-udf": python,
    "failed-tasks": failing,
    "idle-executors": lambda: cluster(5, 120),
    "spark-startup": lambda: cluster(2, 15, first_job=12, executors_at=11),
    "shuffle-bound": lambda: shuffling(0.7),
    "gc-pressure": lambda: collecting(0.4),
    "tiny-tasks": lambda: tiny(0.05, 0.03),
}

SILENT: dict[str, Callable[[], Log]] = {
    # one long first task of an executor that loads its classes, with no more data than the others
    "partition-skew: start-up": lambda: (
        Log()
        .executor(cores=8)
        .stage(0, [Task(2, 12, start=10, shuffle_read=MB)] + [Task(2, 1, shuffle_read=MB) for _ in range(7)])
    ),
    "partition-skew: a slow node": lambda: (
        Log().executor(cores=8).stage(0, [Task(2, 4 if i % 2 else 1, str(i % 2), shuffle_read=MB) for i in range(16)])
    ),
    "partition-skew: one partition of tiny data": lambda: (
        Log().executor().stage(0, [Task(2, 1)] * 7 + [Task(2, 5, shuffle_read=4000)])
    ),
    "partition-skew: a single task": lambda: Log().executor().stage(0, [Task(2, 9, read=900 * MB)]),
    "huge-partition: a little": lambda: spilling(MB),
    "missed-broadcast: both large": lambda: join(900 * MB, 2000 * MB),
    "missed-broadcast: the side that must stay": lambda: join(MB, 2000 * MB, "LeftOuter", swapped=True),
    "missed-broadcast: full outer": lambda: join(MB, 2000 * MB, "FullOuter"),
    "small-files: large ones": lambda: files(200, 20_000 * MB),
    "small-files: few": lambda: files(20, MB),
    "csv-scan: the conversion itself": lambda: csv("Execute InsertIntoHadoopFsRelationCommand"),
    "csv-scan: Parquet": lambda: files(4, 900 * MB),
    "python-udf: the JVM computes": lambda: python(cpu=1.8),
    "python-udf: no Python": lambda: python("HashAggregate"),
    "failed-tasks: ended on purpose": lambda: failing(error=""),
    "idle-executors: busy": lambda: cluster(110, 120),
    "idle-executors: local mode": lambda: _local(cluster(5, 120)),
    "spark-startup: somebody types": lambda: cluster(2, 60, first_job=50, executors_at=3),
    "spark-startup: long work": lambda: cluster(60, 73, first_job=12, executors_at=11),
    "shuffle-bound: a needed shuffle": lambda: shuffling(0.3),
    "gc-pressure: a new JVM": lambda: collecting(0.05, first=0.9),
    "tiny-tasks: short but busy": lambda: tiny(0.15, 0.0),
    "tiny-tasks: few": lambda: tiny(0.05, 0.03, count=40),
}


def _local(log: Log) -> Log:
    log.events[1]["Spark Properties"]["spark.master"] = "local[4]"
    return log


@pytest.mark.parametrize("name", FIRES)
def test_it_fires(name, tmp_path):
    found = outcome(FIRES[name](), name, tmp_path)
    assert isinstance(found, Finding), found
    assert found.gain is not None and 0.0 < found.gain.low <= found.gain.share <= found.gain.high < 1.0
    in_stage = name not in ("idle-executors", "spark-startup")
    assert found.location == (LINE if in_stage else None)


@pytest.mark.parametrize("case", SILENT)
def test_it_stays_silent(case, tmp_path):
    found = outcome(SILENT[case](), case.partition(":")[0], tmp_path)
    assert not isinstance(found, Finding), found


@pytest.mark.parametrize("name", FIRES)
def test_it_comes_first(name, tmp_path):
    assert FIRES[name]().diagnosis(tmp_path).findings[0].finding.detector == name


@pytest.mark.parametrize("name", ["partition-skew", "idle-executors"])
def test_every_report_is_written(name, tmp_path):
    folder = session.store([FIRES[name]().write(tmp_path / "log")], tmp_path / "run")
    recording, diagnosis = session.analyse(folder)
    assert session.write(folder, recording, diagnosis) == []
    assert {"diagnosis.json", "report.html", "trace.jaeger.json"} <= {each.name for each in folder.iterdir()}


def test_the_gain_of_skew_is_the_work_spread_over_the_cores(tmp_path):
    found = outcome(skewed(), "partition-skew", tmp_path)  # 12 s instead of 19 s of work on 8 cores
    assert found.gain.seconds == pytest.approx(12 - 19 / 8, abs=0.01)


def test_without_a_line_the_title_names_stage_and_operator(tmp_path):
    log = Log().executor().query(1, node("HashAggregate", text="HashAggregate(keys=[k#1])", rows=(9, "sum")))
    tasks = [Task(2, 1, shuffle_read=MB)] * 7 + [Task(2, 12, shuffle_read=20 * MB)]
    name = "collect at NativeMethodAccessorImpl.java:0"
    log.stage(3, tasks, name=name, query=1, values={9: 1})
    found = outcome(log, "partition-skew", tmp_path)
    assert found.location is None
    assert "stage 3 (HashAggregate on k)" in found.title


def test_the_fix_reads_what_the_stage_scans(tmp_path):
    plan, values = scan("Scan json ", 4, 900 * MB)
    log = Log().executor().query(1, plan, end=20).stage(0, evenly(8, 4, read=100 * MB), query=1, values=values)
    assert outcome(log, "csv-scan", tmp_path).fix.snippet.startswith("spark.read.json(")
    (tmp_path / "csv").mkdir()
    assert outcome(csv(), "csv-scan", tmp_path / "csv").fix.snippet.startswith("spark.read.csv(")


@pytest.mark.parametrize(
    "error, word", [("x.FetchFailed", "executors are lost"), ("x.OutOfMemoryError", "more memory"), ("x.Y", "error")]
)
def test_lost_shuffle_files_are_no_lack_of_memory_in_the_task(error, word, tmp_path):
    assert word in outcome(failing(error), "failed-tasks", tmp_path).fix.summary


def test_jobs_that_failed_cost_all_their_time(tmp_path):
    log = Log().executor().stage(0, [Task(2, 20, error="x.SparkOutOfMemoryError")], failed="gone", job_failed=True)
    found = outcome(log, "failed-tasks", tmp_path)
    assert found.gain.seconds == pytest.approx(20, abs=0.1)
    assert "SparkOutOfMemoryError" in found.title and "memory" in found.fix.summary


def test_a_healthy_log_says_which_stage_holds_the_time(tmp_path):
    diagnosis = Log().executor().stage(5, evenly(16, 5, shuffle_read=9 * MB)).diagnosis(tmp_path)
    assert (diagnosis.findings, diagnosis.verdict) == ((), "unexplained")
    assert "stage 5 (collect) at /code/job.py:17, its tasks computing for 100 %" in diagnosis.headline


def test_the_breakdown_counts_each_second_once(tmp_path):
    log = Log().executor().stage(0, [Task(2, 4)]).stage(1, [Task(4, 4)]).stage(2, [Task(10, 1)])
    diagnosis = log.diagnosis(tmp_path)
    found = {row.phase: row.seconds for row in diagnosis.breakdown}
    assert found == {
        "stage:0 (collect)": 3.0, "stage:1 (collect)": 3.0, "spark.startup": 2.0, "spark.driver": 2.0,
        "stage:2 (collect)": 1.0,
    }  # fmt: skip


def test_a_stage_that_still_runs_is_no_wait(tmp_path):
    log = Log().executor().stage(0, [Task(2, 1)])
    begun = {"Stage ID": 1, "Stage Name": "x", "Number of Tasks": 1, "Submission Time": BEGAN + 3000}
    log.add("SparkListenerJobStart", {"Job ID": 1, "Submission Time": BEGAN + 3000, "Stage IDs": [1]})
    log.add("SparkListenerStageSubmitted", {"Stage Info": begun})
    log.add("SparkListenerExecutorAdded", {"Timestamp": BEGAN + 60_000, "Executor ID": "2"})
    (tmp_path / "log").write_bytes(log.lines(ended=False))
    diagnosis = diagnose(spark.read(tmp_path / "log"))
    assert {row.phase: row.seconds for row in diagnosis.breakdown}["spark.open"] == 57.0
    assert "95 % of the run is tasks that had not ended" in diagnosis.headline


def test_two_fixes_of_one_stage_are_replayed_together(tmp_path):
    tasks = [Task(2, 10, cpu=1, gc=4)] * 4 + evenly(16, 10, at=12, cpu=1, gc=4)
    diagnosis = Log().executor().stage(0, tasks, operators=["BatchEvalPython"]).diagnosis(tmp_path)
    plan = {step.detector: step.wall_seconds_after for step in diagnosis.plan}
    assert len(plan) == 2
    saved = sum(row.finding.gain.seconds for row in diagnosis.findings)
    assert diagnosis.run.wall_seconds - min(plan.values()) < saved
