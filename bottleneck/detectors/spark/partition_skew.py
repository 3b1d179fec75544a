"""Spark stages in which one partition holds far more data than the others."""

from __future__ import annotations

import numpy as np

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Finding, Fine, Fix
from ...diagnosis.schedule import StageChange, changed_seconds
from .. import Detector
from ._shared import evidence, large, place, replayed, titled


class PartitionSkew(Detector):
    """A few tasks of a Spark stage get most of the data, and the other cores wait for them.

    Why it matters
        A stage ends with its longest task, and all rows of one key are processed by one core.
    How it is measured
        In an event log, tasks that took much longer than the median task and read far more data than the others. A task
        that is slow without more data does not count: the first tasks of an executor load classes, and a node can be
        slow. The gain replays the stage's tasks with the work spread evenly over the executors' cores.
    How to fix it
        Let adaptive query execution split large partitions of joins, or broadcast the smaller table. For an
        aggregation, add a random part to the key and aggregate twice.
    When to ignore it
        When the result has to be in one partition.
    """

    id = "partition-skew"
    title = "One partition holds most of a stage's data"
    stage = "etl"
    explains = ("huge-partition",)
    duration_threshold = 1.78  # longest task over the median [Dr. Elephant, moderate]
    bytes_threshold = 3.0  # its data over the mean of all tasks [spark-rapids-tools]
    min_tasks = 4  # fewer are no distribution
    min_bytes = 1 << 20  # in the largest partition: less is not worth splitting (own)
    least_saved_share = 0.03  # of the run: what counts as worth a finding

    def detect(self, spark: Spark) -> Finding | Fine:
        skewed, worst = list[Stage](), 1.0
        for stage in large(spark):
            ratio = self._ratio(stage)
            worst = max(worst, ratio)
            if ratio >= self.duration_threshold and self._saves(spark, stage) >= self.least_saved_share:
                skewed.append(stage)
        if not skewed:
            return Fine(worst, self.duration_threshold, "", "longest task with much data, over the median")
        first = skewed[0]
        gain, replay = replayed(
            spark, [(each, StageChange(even=True)) for each in skewed], "the work is spread over all cores", high=1.0
        )
        sizes = _bytes(first)
        return self.finding(
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, skewed),
                Evidence("longest task", float(first.seconds.max()), "s"),
                Evidence("median task", float(np.median(first.seconds[first.good])), "s"),
                Evidence("data of the largest task", int(sizes.max()), "B"),
                Evidence("data of the median task", int(np.median(sizes)), "B"),
            ),
            gain=gain,
            replay=replay,
            fix=_fix(spark, first),
        )

    def _ratio(self, stage: Stage) -> float:
        """The longest task with far more data than the others, over the median; 1.0 without one."""
        if stage.good.sum() < self.min_tasks:
            return 1.0
        seconds, sizes = stage.seconds[stage.good], _bytes(stage)[stage.good]
        heavy = (sizes >= self.bytes_threshold * sizes.mean()) & (sizes >= self.min_bytes)
        if len(sizes) < 2 * self.bytes_threshold:  # of few tasks, the largest one is much of the mean
            heavy |= (sizes >= self.bytes_threshold * np.median(sizes)) & (sizes >= self.min_bytes)
        return float(seconds[heavy].max() / max(np.median(seconds), 1e-3)) if heavy.any() else 1.0

    @staticmethod
    def _saves(spark: Spark, stage: Stage) -> float:
        tasks = spark.schedule.stages[stage.fact.number]
        return (stage.own_seconds - changed_seconds(tasks, [StageChange(even=True)])) / spark.run_seconds


def _bytes(stage: Stage) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = stage.tasks["shuffle_read"] + stage.tasks["read"]
    return found


def _fix(spark: Spark, stage: Stage) -> Fix:
    join = any("Join" in name for name in stage.operators)
    if join and not spark.facts.adaptive:
        return Fix(
            "Let adaptive query execution split the large partition of the join",
            'spark.conf.set("spark.sql.adaptive.enabled", "true")\n'
            'spark.conf.set("spark.sql.adaptive.skewJoin.enabled", "true")',
            effort=1,
        )
    if join:
        return Fix(
            "Split the hot key of the join: add a random part to it, and repeat the other table's rows for each part",
            "from pyspark.sql import functions as F\n"
            "parts = F.array([F.lit(i) for i in range(16)])\n"
            'big = big.withColumn("part", (F.rand() * 16).cast("int"))\n'
            'small = small.withColumn("part", F.explode(parts))\n'
            'joined = big.join(small, ["key", "part"])  # or F.broadcast(small), if that fits into memory',
            effort=2,
        )
    return Fix(
        "Aggregate in two steps: first by the key and a random part, then by the key alone",
        "from pyspark.sql import functions as F\n"
        'table = table.withColumn("part", (F.rand() * 16).cast("int"))\n'
        'partly = table.groupBy("key", "part").agg(F.sum("v").alias("v"))\n'
        'result = partly.groupBy("key").agg(F.sum("v").alias("v"))',
        effort=2,
    )
