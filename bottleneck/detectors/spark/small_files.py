"""Spark scans of many small files, and stages that write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from .. import Detector
from ._shared import evidence, large, left, place, replayed, titled

_SCAN = re.compile("Scan")
_FILES, _SIZE = "number of files read", "size of files read"
_LISTED = re.compile(r"Listing leaf files and directories for (\d+) paths")


@dataclass(frozen=True)
class _Files:
    """Of a stage: how many, with how many bytes in all; ``written``: it writes them."""

    count: int
    bytes: int
    written: bool


class SmallFiles(Detector):
    """A table is stored in many small files, and each has to be listed and opened, and its footer read.

    Why it matters
        This overhead is the same for a file of 10 kB and one of 100 MB; with thousands of small files it takes most of
        the time.
    How it is measured
        In an event log, scans of more than 100 files with a mean size under 3 MB, and stages of more than 100 tasks
        that each write as little. The gain is the part of the tasks' time beyond what reading the same bytes from large
        files would take.
    How to fix it
        Compact the table once; write with fewer tasks (``repartition``, or the optimized writes of a table format).
    When to ignore it
        When the files arrive one by one and each is read once.
    """

    id = "small-files"
    title = "A table is stored in many small files"
    stage = "etl"
    explains = ("tiny-tasks",)
    mean_bytes_threshold = 3 << 20  # of a file [DataFlint]
    files_threshold = 100  # of one scan, or one write [DataFlint]
    share_threshold = 0.03  # of the run in such stages
    bytes_per_second = 50e6  # that a task reads of large files (own guess: decoded Parquet, one core)

    def detect(self, spark: Spark) -> Outcome:
        found = {stage: files for stage in large(spark, 0.005) if (files := _files(spark, stage)) is not None}
        if not found:
            return NotApplicable("No long stage is known to read or write files.")
        small = [
            stage
            for stage, files in found.items()
            if files.count > self.files_threshold and files.bytes < self.mean_bytes_threshold * files.count
        ]
        share = spark.share(small)
        if share < self.share_threshold:
            most = max(files.count for files in found.values())
            return Fine(most, self.files_threshold, "count", "files of one scan or write, or none of them small")
        changes = []
        for stage in small:
            bytes_of_task = stage.tasks["written" if found[stage].written else "read"]
            overhead = (stage.ms("run_ms") - bytes_of_task / self.bytes_per_second).clip(min=0.0)
            changes.append((stage, left(stage, overhead)))
        gain, replay = replayed(
            spark,
            changes,
            f"the tasks' time beyond {self.bytes_per_second / 1e6:.0f} MB/s is overhead of the files",
            low=0.3,
            high=1.0,
            confidence=0.4,
        )
        first = small[0]
        files = found[first]
        return self.finding(
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, small),
                Evidence("files written" if files.written else "files read", files.count, "count"),
                Evidence("mean size of a file", files.bytes // max(files.count, 1), "B"),
            ),
            gain=gain,
            replay=replay,
            fix=_fix(files.written),
        )


def _files(spark: Spark, stage: Stage) -> _Files | None:
    """The files that a stage reads or writes; None if the log does not say."""
    written = stage.tasks["written"]
    if (written > 0).any():
        return _Files(int((written > 0).sum()), int(written.sum()), True)
    scans = [node for node in stage.nodes if _SCAN.search(node.name) and node.values.get(_FILES, 0) > 0]
    if scans:
        size = sum(node.values.get(_SIZE, 0) for node in scans) or float(stage.tasks["read"].sum())
        return _Files(int(sum(node.values[_FILES] for node in scans)), int(size), False)
    listed = _LISTED.search(stage.fact.name)
    return None if listed is None else _Files(int(listed[1]), 0, False)


def _fix(written: bool) -> Fix:
    if written:
        return Fix(
            "Write fewer and larger files",
            "table.repartition(16).write.parquet(path)  # or .coalesce(16); aim for 128 MB per file",
            effort=1,
        )
    return Fix(
        "Compact the files once, and read the result",
        'spark.read.parquet(path).repartition(16).write.parquet(path + "-compact")  # once; aim for 128 MB per file',
        effort=2,
    )
