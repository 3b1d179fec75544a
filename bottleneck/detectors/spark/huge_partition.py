"""Spark tasks whose partition does not fit in their memory."""

from __future__ import annotations

import numpy as np

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotApplicable
from .. import Detector
from ._shared import Floats, evidence, large, left, place, replayed, titled


class HugePartition(Detector):
    """Partitions are larger than the memory of a task, so it spills them to disk while it sorts and aggregates.

    Why it matters
        Spilled data is serialised, written to disk, read back and merged.
    How it is measured
        In an event log, the bytes that tasks spilled to disk. They are written once and read once. The log does not say
        how fast, so the gain assumes 200 MB/s each way, and 400 MB/s for serialising, with a wide range.
    How to fix it
        More partitions, so that each is smaller; or fewer cores or more memory per executor.
    When to ignore it
        When the disk is fast and the stage short.
    """

    id = "huge-partition"
    title = "Partitions do not fit in memory and are spilled to disk"
    stage = "etl"
    explains = ("gc-pressure",)
    share_threshold = 0.03  # of the run: what spilling costs at least
    bytes_per_second = 200e6  # to the disk and back, compressed (own guess)
    memory_bytes_per_second = 400e6  # serialised and deserialised (own guess)
    range_factors = (0.2, 3.0)  # of that: a fast disk in memory, a slow one

    def detect(self, spark: Spark) -> Finding | Fine | NotApplicable:
        if spark.facts.rapids:
            return NotApplicable("The work runs on GPUs, so it spills GPU memory, not the executors'.")
        spilling = [stage for stage in large(spark, 0.005) if stage.tasks["spilled_disk"].sum() > 0]
        if not spilling:
            return Fine(0.0, None, "B", "spilled to disk")
        low, high = self.range_factors
        gain, replay = replayed(
            spark,
            [(stage, left(stage, self._seconds(stage))) for stage in spilling],
            f"what is spilled is written and read at {self.bytes_per_second / 1e6:.0f} MB/s",
            low=low,
            high=high,
            confidence=0.4,
        )
        if gain.share < self.share_threshold:
            return Fine(gain.share, self.share_threshold, "share", "run time spilling to disk")
        first = max(spilling, key=lambda stage: int(stage.tasks["spilled_disk"].sum()))
        spilled = int(sum(stage.tasks["spilled_disk"].sum() for stage in spilling))
        in_memory = int(sum(stage.tasks["spilled_memory"].sum() for stage in spilling))
        return self.finding(
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, [first, *(stage for stage in spilling if stage is not first)]),
                Evidence("spilled to disk", spilled, "B"),
                Evidence("the same in memory", in_memory, "B"),
                Evidence("tasks that spill", int((first.tasks["spilled_disk"] > 0).sum()), "count"),
                Evidence("data of the largest task", int(_bytes(first).max()), "B"),
            ),
            gain=gain,
            replay=replay,
            fix=_fix(first),
        )

    def _seconds(self, stage: Stage) -> Floats:
        disk = 2.0 * stage.tasks["spilled_disk"] / self.bytes_per_second
        memory = 2.0 * stage.tasks["spilled_memory"] / self.memory_bytes_per_second
        found: Floats = np.minimum(disk + memory, 0.8 * stage.seconds)
        return found


def _bytes(stage: Stage) -> Floats:
    found: Floats = stage.tasks["shuffle_read"] + stage.tasks["read"]
    return found


def _fix(stage: Stage) -> Fix:
    memory = int((stage.tasks["spilled_memory"]).max())
    tasks = len(stage.tasks) * max(2, -(-memory // (128 << 20)))
    return Fix(
        "Cut the data into more partitions, each small enough for the memory of a task",
        f'spark.conf.set("spark.sql.shuffle.partitions", "{tasks}")  # or table.repartition({tasks}, "key")\n'
        "# or, when submitting: --executor-memory 8g --executor-cores 2",
        effort=1,
    )
