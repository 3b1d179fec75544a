"""Spark executors that spend their time collecting garbage."""

from __future__ import annotations

import numpy as np

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Finding, Fine, Fix
from .. import Detector
from ._shared import Floats, evidence, large, left, place, replayed, titled


class GcPressure(Detector):
    """The executors' JVMs collect garbage for much of the tasks' time.

    Why it matters
        The tasks stop while the JVM collects garbage. When the heap is nearly full, that takes most of the time.
    How it is measured
        In an event log, the garbage collection time as a share of the tasks' run time, stage by stage. The first tasks
        of each executor do not count, because a JVM collects often when it starts; nor do tasks whose collection time
        is longer than their run time, which happens when several share a heap. The gain assumes that the usual share
        of 5 % remains.
    How to fix it
        More memory per task, less cached data or a serialised cache, DataFrames instead of RDDs of objects, and no
        aggregates that collect whole lists, such as collect_list.
    When to ignore it
        When the stages are short and the executors have just started.
    """

    id = "gc-pressure"
    title = "Executors spend their time collecting garbage"
    stage = "etl"
    gc_share_threshold = 0.15  # of the tasks' run time [Dr. Elephant: 8 low, 10, 15 severe, 20 critical]
    usual_share = 0.05  # that remains after the fix (own)
    share_threshold = 0.05  # of the run in such stages

    def detect(self, spark: Spark) -> Finding | Fine:
        stages = large(spark)
        shares = {stage: _share(stage) for stage in stages}
        pressed = [stage for stage in stages if shares[stage] >= self.gc_share_threshold]
        if spark.share(pressed) < self.share_threshold:
            most = max(shares.values(), default=0.0)
            return Fine(most, self.gc_share_threshold, "share", "tasks' run time collecting garbage")
        gain, replay = replayed(
            spark,
            [
                (stage, left(stage, np.maximum(_gc(stage) - self.usual_share * stage.ms("run_ms"), 0.0)))
                for stage in pressed
            ],
            f"the garbage collection time, less {self.usual_share:.0%} of the tasks' run time",
            low=0.5,
            high=1.3,
            confidence=0.6,
        )
        first = pressed[0]
        return self.finding(
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, pressed),
                Evidence("share of the tasks' time collecting garbage", shares[first], "share"),
                Evidence("time collecting garbage", float(sum(_gc(each).sum() for each in pressed)), "s"),
                Evidence("cores", first.slots, "cores"),
            ),
            gain=gain,
            replay=replay,
            fix=Fix(
                "Give each task more memory, or keep less data in memory",
                "# when submitting:\n"
                "# --conf spark.executor.memory=8g --conf spark.executor.cores=2\n"
                "from pyspark import StorageLevel\n\n"
                "table.persist(StorageLevel.MEMORY_AND_DISK)  # serialised; unpersist() what is no longer needed",
                effort=1,
            ),
        )


def _gc(stage: Stage) -> Floats:
    """Seconds of each task in which the heap was collected, where that is a part of its time."""
    run = stage.ms("run_ms")
    plausible = stage.tasks["gc_ms"] <= stage.tasks["run_ms"]
    found: Floats = np.where(plausible & ~stage.first, np.minimum(stage.ms("gc_ms"), run), 0.0)
    return found


def _share(stage: Stage) -> float:
    counted = ~stage.first
    return float(_gc(stage).sum() / max(stage.ms("run_ms")[counted].sum(), 1e-9)) if counted.any() else 0.0
