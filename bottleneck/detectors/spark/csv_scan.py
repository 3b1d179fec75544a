"""Spark stages that parse text files."""

from __future__ import annotations

import re

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.schedule import StageChange
from ...recording.facts.spark import SparkNode
from .. import Detector
from ._shared import evidence, large, place, replayed

_TEXT = re.compile(r"Scan (csv|json|text|xml)\b", re.IGNORECASE)
_COLUMNAR = re.compile(r"(parquet|orc|delta|iceberg)", re.IGNORECASE)
_WRITES = re.compile(r"InsertInto|WriteFiles|Insert|AppendData|OverwriteByExpression|CreateDataSourceTable")


class CsvScan(Detector):
    """Stages read CSV or JSON, and parse every row and every column of it again each time.

    Why it matters
        Text has to be parsed in full, even for two columns, and a compressed text file cannot be split. A columnar file
        is read in part, decoded several times faster, and skipped where its statistics say so.
    How it is measured
        In an event log, stages whose plan scans text, by their share of the run. A query that writes what it reads into
        columnar files is the conversion itself. The gain is our own measurement of pandas and pyarrow on one file (CSV
        takes 3.2 times as long as Parquet), so its range is wide.
    How to fix it
        Convert the files once to Parquet, and read that.
    When to ignore it
        When the files are read once and never again, or another program needs them as text.
    """

    id = "csv-scan"
    title = "Stages parse text files"
    stage = "etl"
    share_threshold = 0.05  # of the run in stages that scan text
    text_factor = 3.2  # time to read CSV over Parquet (own measurement: 81 MB)

    def detect(self, spark: Spark) -> Outcome:
        scans = {stage: node for stage in large(spark, 0.005) if (node := _scan(stage)) and not _converts(spark, stage)}
        if not scans:
            return NotApplicable("No stage of some length reads text files.")
        stages = list(scans)
        share = spark.share(stages)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time in stages that read text")
        gain, replay = replayed(
            spark,
            [(each, StageChange(scale=1.0 / self.text_factor)) for each in stages],
            f"text takes {self.text_factor:g} times as long to read as Parquet",
            low=0.4,
            high=1.2,
            confidence=0.4,
        )
        first, node = stages[0], scans[stages[0]]
        return self.finding(
            title=f"{self.title}: {first}" if first.site is None else self.title,
            location=place(first),
            evidence=(
                *evidence(spark, stages),
                Evidence("what is read", f"{node.name} {node.detail}".strip()),
                Evidence("read by the stages", int(sum(each.tasks["read"].sum() for each in stages)), "B"),
            ),
            gain=gain,
            replay=replay,
            fix=Fix(
                "Convert the files to Parquet once, and read that",
                f'spark.read.csv({node.detail!r}, header=True, schema=schema).write.parquet("data.parquet")  # once\n'
                'table = spark.read.parquet("data.parquet")',
                effort=4,
            ),
        )


def _scan(stage: Stage) -> SparkNode | None:
    """The scan of text in a stage."""
    known = next((node for node in stage.nodes if _TEXT.search(node.name)), None)
    if known is not None:
        return known
    return next((SparkNode(name) for name in stage.fact.operators if _TEXT.search(name)), None)


def _converts(spark: Spark, stage: Stage) -> bool:
    """Whether the stage's query writes columnar files: it is what the fix asks for."""
    query = spark.queries.get(stage.fact.query)
    if query is None or not any(_WRITES.search(node.name) for node in query.nodes):
        return False
    wrote = stage.tasks["written"].sum() > 0
    return bool(wrote) or any(_COLUMNAR.search(node.name) for node in query.nodes)
