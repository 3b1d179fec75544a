"""Spark stages of many tasks that are so short that starting them takes much of the time."""

from __future__ import annotations

import numpy as np

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.schedule import StageChange
from .. import Detector
from ._shared import evidence, large, place, replayed, titled


class TinyTasks(Detector):
    """The data is split into so many partitions that starting a task takes about as long as running it.

    Why it matters
        One driver serialises each task, sends it and takes its result: some milliseconds, however little data it has.
    How it is measured
        In an event log, stages of many tasks with a short median, and the share of the executors' core time in which no
        task runs or a task only receives its code. Cores that wait for one long task do not count. The gain replays
        the same work with two tasks for each core.
    How to fix it
        Use fewer partitions: ``spark.sql.shuffle.partitions``, adaptive coalescing, ``coalesce``, larger input splits.
    When to ignore it
        When each task is a request to a service and has to be small.
    """

    id = "tiny-tasks"
    title = "Tasks are so short that starting them takes much of the time"
    stage = "etl"
    tasks_threshold = 100  # of one stage (own); at DataFlint 5,000 with a median under 500 ms
    median_seconds_threshold = 0.2  # of a task (own): Spark's own advice is 0.1 s or more
    overhead_share_threshold = 0.3  # of the cores' time while the stage runs (own)
    per_core = 2  # tasks for each core after the fix: enough to even them out
    least_share = 0.03  # of the run in such stages

    def detect(self, spark: Spark) -> Outcome:
        many = [
            stage
            for stage in large(spark, 0.005)
            if len(stage.tasks) >= self.tasks_threshold and len(stage.tasks) > 2 * self.per_core * stage.slots
        ]
        if not many:
            return NotApplicable(f"No long stage has {self.tasks_threshold} tasks, and many for each core.")
        shares = {stage: _overhead(stage) for stage in many}
        tiny = [
            stage
            for stage in many
            if float(np.median(stage.seconds)) < self.median_seconds_threshold
            and shares[stage] >= self.overhead_share_threshold
        ]
        if spark.share(tiny) < self.least_share:
            return Fine(max(shares.values()), self.overhead_share_threshold, "share", "core time starting tasks")
        changes = []
        for stage in tiny:
            tasks = min(self.per_core * stage.slots, len(stage.tasks))
            # Of the stage's time, work / (cores x time) remains; what each task needs to start is paid by fewer.
            kept = 1.0 - shares[stage] * (1.0 - tasks / len(stage.tasks))
            changes.append((stage, StageChange(scale=kept, tasks=tasks)))
        gain, replay = replayed(spark, changes, "the same work in fewer tasks", low=0.5, high=1.1, confidence=0.6)
        first = tiny[0]
        data = first.tasks["shuffle_read"] + first.tasks["read"]
        return self.finding(
            title=titled(self.title, first),
            location=place(first),
            evidence=(
                *evidence(spark, tiny),
                Evidence("median task", float(np.median(first.seconds)), "s"),
                Evidence("cores", first.slots, "cores"),
                Evidence("share of the cores' time starting tasks", shares[first], "share"),
                Evidence("data of the median task", int(np.median(data)), "B"),
            ),
            gain=gain,
            replay=replay,
            fix=_fix(first, changes[0][1].tasks or 1),
        )


def _overhead(stage: Stage) -> float:
    """Of the cores' time between the first task's start and the last one's, what no task runs in: it receives its code,
    or its result is on the way, or the driver has not sent the next one yet.

    The end of a stage, when fewer tasks are left than there are cores, is no overhead, and the code that the first
    tasks of an executor load is its start-up.
    """
    begin, last = int(stage.tasks["t0"].min()), int(stage.tasks["t0"].max())
    length = (last - begin) / 1e9 * stage.slots
    if length <= 0.0:
        return 0.0
    until_last = (last - stage.tasks["t0"]) / 1e9
    work = np.minimum(np.where(stage.first, stage.seconds, stage.ms("run_ms")), until_last)
    return float(np.clip(1.0 - work.sum() / length, 0.0, 1.0))


def _fix(stage: Stage, tasks: int) -> Fix:
    if (stage.tasks["shuffle_read"] > 0).any():
        return Fix(
            "Shuffle into fewer partitions, or let adaptive query execution coalesce small ones",
            f'spark.conf.set("spark.sql.shuffle.partitions", "{tasks}")\n'
            'spark.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "true")',
            effort=1,
        )
    return Fix(
        "Split the input into fewer partitions",
        f"table = table.coalesce({tasks})  # or numSlices={tasks}, or a larger spark.sql.files.maxPartitionBytes",
        effort=1,
    )
