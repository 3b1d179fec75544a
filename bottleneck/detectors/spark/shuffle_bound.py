"""Spark stages that mostly move data between executors."""

from __future__ import annotations

from ...artifacts.spark.application import Spark
from ...diagnosis.findings import Evidence, Finding, Fine, Fix
from .. import Detector
from ._shared import evidence, large, left, place, replayed, titled


class ShuffleBound(Detector):
    """Tasks spend most of their time writing shuffled data or waiting for it.

    Why it matters
        A shuffle writes every row to disk and sends it over the network, and the cores wait meanwhile.
    How it is measured
        In an event log, the share of the tasks' time in which they wait to fetch blocks or write shuffle files. A large
        shuffle alone is no fault: a stage that mostly computes is not named. How much of the shuffle a fix avoids is
        not known, so the gain is an upper bound.
    How to fix it
        Filter rows and select columns before the shuffle, aggregate before it (reduceByKey instead of groupByKey),
        reuse the partitioning of an earlier shuffle, or write tables bucketed by their join key.
    When to ignore it
        When the data has to be repartitioned, and the network or the disk is the limit.
    """

    id = "shuffle-bound"
    title = "Tasks mostly write or wait for shuffled data"
    stage = "etl"
    shuffle_share_threshold = 0.5  # of a stage's task time: transfer above work [Dask's rule]
    share_threshold = 0.05  # of the run in such stages

    def detect(self, spark: Spark) -> Finding | Fine:
        stages = large(spark)
        shares = {stage: stage.share("fetch_ms", "write_ms") for stage in stages}
        bound = [stage for stage in stages if shares[stage] >= self.shuffle_share_threshold]
        if spark.share(bound) < self.share_threshold:
            most = max(shares.values(), default=0.0)
            return Fine(most, self.shuffle_share_threshold, "share", "task time in shuffles")
        gain, replay = replayed(
            spark,
            [(stage, left(stage, stage.ms("fetch_ms") + stage.ms("write_ms"))) for stage in bound],
            "all of the time that these stages spend in shuffles",
            low=0.2,
            high=1.0,
            confidence=0.4,
            ceiling=True,
        )
        first = bound[0]
        return self.finding(
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, bound),
                Evidence("share of the tasks' time in shuffles", shares[first], "share"),
                Evidence("time waiting for blocks", float(sum(each.ms("fetch_ms").sum() for each in bound)), "s"),
                Evidence("time writing shuffle files", float(sum(each.ms("write_ms").sum() for each in bound)), "s"),
                Evidence("shuffled data written", int(sum(each.tasks["shuffle_write"].sum() for each in bound)), "B"),
                Evidence("shuffled data read", int(sum(each.tasks["shuffle_read"].sum() for each in bound)), "B"),
            ),
            gain=gain,
            replay=replay,
            fix=Fix(
                "Shuffle only the columns and rows that are needed, aggregate first, and shuffle as rarely as possible",
                'small = table.select("key", "value").where("value is not null")  # before join, groupBy, repartition\n'
                'table.write.bucketBy(64, "key").saveAsTable("by_key")  # once, for joins by this key',
                effort=2,
            ),
        )
