"""Spark tasks that wait for Python workers."""

from __future__ import annotations

import numpy as np

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from .. import Detector
from ._shared import Floats, evidence, large, left, place, replayed, titled

_VECTORISED = ("Arrow", "Pandas")
_ROWS = ("BatchEvalPython", "PythonRDD", "PairwiseRDD", "PythonUDTF")


class PythonUdf(Detector):
    """Rows go from the JVM to Python workers and back, and that takes most of the tasks' time.

    Why it matters
        Each row is serialised on the way there and back, and handled by the interpreter. Spark's own functions process
        it inside the JVM, in compiled code.
    How it is measured
        In an event log, the stages whose plan or RDDs pass rows to Python. The run time of their tasks, less the JVM's
        CPU time, garbage collection and shuffle, is the time in Python and in the transfer. How much of it a fix saves
        depends on the function, so the gain uses a published factor, with a wide range.
    How to fix it
        Express the function with pyspark.sql.functions; if that is not possible, write it as a pandas UDF. Replace RDDs
        of Python objects with DataFrames.
    When to ignore it
        When the function calls a library that Spark has no counterpart for, such as a model, and already works on
        batches.
    """

    id = "python-udf"
    title = "Tasks wait for Python functions"
    stage = "etl"
    python_share_threshold = 0.5  # of a stage's task time in Python or on the way there (own)
    least_share = 0.03  # of the run in such stages
    row_factor = 3.0  # a built-in function over one that is called per row: 3 to 100 [Databricks, on pandas UDFs]
    batch_factor = 2.0  # the same over a function on batches (own guess)

    def detect(self, spark: Spark) -> Outcome:
        if spark.facts.rapids:
            return NotApplicable("The work runs on GPUs, so time that the JVM does not compute is not time in Python.")
        able = [stage for stage in large(spark, 0.01) if _kind(stage)]
        if not able:
            return NotApplicable("No long stage passes rows to Python.")
        python = {stage.fact.number: _python_seconds(stage) for stage in able}
        shares = {stage.fact.number: _share(stage, python[stage.fact.number]) for stage in able}
        found = [stage for stage in able if shares[stage.fact.number] >= self.python_share_threshold]
        if spark.share(found) < self.least_share:
            return Fine(max(shares.values()), self.python_share_threshold, "share", "task time in Python functions")
        rows = _kind(found[0]) == "rows"
        factor = self.row_factor if rows else self.batch_factor
        gain, replay = replayed(
            spark,
            [(each, left(each, python[each.fact.number] * (1.0 - 1.0 / factor))) for each in found],
            f"time in Python becomes {factor:g} times shorter",
            low=0.3,
            high=1.4,
            confidence=0.4,
        )
        first = found[0]
        return self.finding(
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, found),
                Evidence("task time in Python", float(sum(python[each.fact.number].sum() for each in found)), "s"),
                Evidence("share of the tasks' time in Python", shares[first.fact.number], "share"),
                Evidence("how Python is called", "row by row" if rows else "in batches"),
            ),
            gain=gain,
            replay=replay,
            fix=_fix(first, rows),
        )


def _python_seconds(stage: Stage) -> Floats:
    """Of each task, what it ran without the JVM computing, collecting garbage or shuffling."""
    other = stage.ms("cpu_ms") + stage.ms("gc_ms") + stage.ms("fetch_ms") + stage.ms("write_ms")
    found: Floats = np.maximum(stage.ms("run_ms") - other, 0.0)
    return found


def _share(stage: Stage, python: Floats) -> float:
    return float(python.sum() / max(stage.seconds.sum(), 1e-9))


def _kind(stage: Stage) -> str:
    """ "rows" or "batches": how the stage calls Python; "" if it does not."""
    if any(part in name for name in stage.operators for part in _VECTORISED if "Columnar" not in name):
        return "batches"
    return "rows" if any(part in name for name in stage.operators for part in _ROWS) else ""


def _fix(stage: Stage, rows: bool) -> Fix:
    if "PythonRDD" in stage.operators and not any("Eval" in name for name in stage.operators):
        return Fix(
            "Use a DataFrame instead of an RDD of Python objects, and its functions instead of lambdas",
            "from pyspark.sql import functions as F\n"
            'words = spark.read.text(path).select(F.explode(F.split("value", " ")).alias("word")).distinct()',
            effort=4,
        )
    if rows:
        return Fix(
            "Express the function with Spark's own functions; if that is not possible, work on batches in a pandas UDF",
            "import pandas as pd\nfrom pyspark.sql import functions as F\n\n"
            'table = table.withColumn("clean", F.lower(F.trim("text")))  # instead of a UDF\n'
            "# or:\n"
            '@F.pandas_udf("string")\n'
            "def clean(text: pd.Series) -> pd.Series:  # a batch of rows at once\n"
            "    return text.str.strip().str.lower()",
            effort=2,
        )
    return Fix(
        "Express the function with Spark's own functions, window functions or aggregates, which need no Python",
        "from pyspark.sql import functions as F\n"
        'table.groupBy("id").agg(F.sum("v"))  # instead of applyInPandas or a grouped pandas UDF',
        effort=2,
    )
