"""Logs of real applications (pyspark 4.3, Java 17), committed in ``logs/``: each cause, slow and fixed; each codec."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from bottleneck_profiler import session
from bottleneck_profiler.importers import importer_of, spark

from . import generate

LOGS = Path(__file__).resolve().parent / "logs"
CAUSES = sorted(each.parent.name for each in LOGS.glob("*/slow.zst"))
#: In local mode, or where nothing else is wrong: what the fixed application still waits for.
REMAINS = {"failed-tasks": {"python-udf"}, "idle-executors": {"spark-startup"}}
CODECS = sorted((LOGS / "codecs").iterdir())


def findings(log: Path) -> list[str]:
    return [ranked.finding.detector for ranked in session.analyse(log)[1].findings]


@pytest.mark.parametrize("cause", CAUSES)
def test_the_slow_one_names_its_cause_first_and_the_fixed_one_does_not(cause):
    assert findings(LOGS / cause / "slow.zst")[0] == cause
    assert set(findings(LOGS / cause / "fixed.zst")) <= REMAINS.get(cause, set())


def test_findings_of_stages_have_the_line_of_the_call():
    for cause in CAUSES:
        finding = session.analyse(LOGS / cause / "slow.zst")[1].findings[0].finding
        if cause not in ("idle-executors", "spark-startup"):
            assert finding.location is not None and finding.location.file == "/project/job.py", cause


@pytest.mark.parametrize("log", CODECS, ids=lambda log: log.name)
def test_every_codec_as_spark_writes_it(log):
    assert importer_of(log) is spark
    recording = spark.read(log)
    assert (len(recording.tasks), recording.run["notes"]) == (4, [])
    assert recording.run["finished"] == (log.suffix != ".inprogress")


def test_the_logs_are_small_and_hold_nothing_of_the_machine():
    for log in (each for each in LOGS.rglob("*") if each.is_file()):
        assert log.stat().st_size <= 50_000, log


@pytest.mark.skipif(
    not os.environ.get("BOTTLENECK_SPARK"), reason="BOTTLENECK_SPARK=1 runs Spark (pyspark and Java 17)"
)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("cause", [*CAUSES, "codecs"])
def test_spark_writes_such_logs(cause, tmp_path, monkeypatch):
    pytest.importorskip("pyspark")
    monkeypatch.setattr(generate, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(sys, "path", [str(LOGS.parent), *sys.path])
    generate.main([cause])
    if cause == "codecs":
        for log in (tmp_path / "logs" / "codecs").iterdir():
            assert len(spark.read(log).tasks) == 4
    else:
        assert cause in findings(tmp_path / "logs" / cause / "slow.zst")
        assert cause not in findings(tmp_path / "logs" / cause / "fixed.zst")
