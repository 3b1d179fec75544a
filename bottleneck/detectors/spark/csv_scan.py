"""Spark stages that parse text files."""

from __future__ import annotations

import re

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.schedule import StageChange
from ...recording.facts.spark import SparkNode
from .. import Detector
from ._shared import evidence, large, place, replayed, titled

_TEXT = re.compile(r"Scan (csv|json|text|xml)\b", re.IGNORECASE)
_COLUMNAR = re.compile(r"(parquet|orc|delta|iceberg)", re.IGNORECASE)
_WRITES = re.compile(r"InsertInto|WriteFiles|Insert|AppendData|OverwriteByExpression|CreateDataSourceTable")


class CsvScan(Detector):
    """Stages read CSV or JSON, and each query parses every row of the text again.

    Why it matters
        Every line of text has to be parsed, even for two columns, and a file compressed with gzip cannot be split.
        From a columnar file, Spark reads only the columns it needs, decodes them several times faster, and skips
        row groups by their statistics.
    How it is measured
        In an event log, the share of the run in stages whose plan scans text. A query that writes what it reads to
        columnar files is the conversion and does not count. The gain is our own measurement of pandas and pyarrow on
        one file (CSV takes 3.2 times as long as Parquet), so its range is wide.
    How to fix it
        Convert the files to Parquet once, and read the Parquet files.
    When to ignore it
        When the files are read only once, or another program needs them as text.
    """

    id = "csv-scan"
    title = "Stages parse text files"
    stage = "etl"
    share_threshold = 0.05  # of the run in stages that scan text
    text_factor = 3.2  # time to read CSV over Parquet (own measurement: 81 MB)

    def detect(self, spark: Spark) -> Outcome:
        scans = {stage: node for stage in large(spark, 0.005) if (node := _scan(stage)) and not _converts(spark, stage)}
        if not scans:
            return NotApplicable("No long stage reads text files.")
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
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, stages),
                Evidence("what is read", f"{node.name} {node.detail}".strip()),
                Evidence("read by the stages", int(sum(each.tasks["read"].sum() for each in stages)), "B"),
            ),
            gain=gain,
            replay=replay,
            fix=Fix(
                "Convert the files to Parquet once, and read the Parquet files",
                f'{_read(node)}.write.parquet("data.parquet")  # once\ntable = spark.read.parquet("data.parquet")',
                effort=4,
            ),
        )


def _read(node: SparkNode) -> str:
    """The call that reads what the node scans."""
    known = _TEXT.search(node.name)
    form = known[1].lower() if known else "csv"
    options = {"csv": ", header=True, schema=schema", "json": ", schema=schema", "xml": ', rowTag="row", schema=schema'}
    return f"spark.read.{form}({node.detail or 'data'!r}{options.get(form, '')})"


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
