"""Spark tasks and jobs that failed, and the time that was lost."""

from __future__ import annotations

from collections import Counter

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, Location
from ...diagnosis.laws import gain
from ...diagnosis.schedule import ScheduleChanges, StageChange, saved_seconds
from ...recording.intervals import Spans, seconds_of, spans_of, union
from ...recording.model import FAILED
from .. import Detector
from .._common import location
from ._shared import place

_MEMORY = ("OutOfMemory", "OOM", "SparkOutOfMemory")
_LOST = ("ExecutorLost", "FetchFailed")  # the executor, and with it what it had shuffled


class FailedTasks(Detector):
    """Tasks fail and are run again, or their job is aborted: the time they took is lost.

    Why it matters
        By default, Spark attempts a task up to four times. The time of the failed attempts is lost, and if the fourth
        one fails, so does the whole job.
    How it is measured
        In an event log, tasks that did not succeed, and jobs that failed. Tasks that Spark killed on purpose, such as
        the slower of two speculative copies, do not count, and neither do executors that dynamic allocation removed.
        The gain is the time of the failed jobs; in other jobs, the stages are replayed without the failed tasks.
    How to fix it
        Fix the most frequent error. If it is a lack of memory, use smaller partitions or run fewer tasks at once.
    When to ignore it
        When the machines may be taken away (spot instances), and their low price is worth the lost time.
    """

    id = "failed-tasks"
    title = "Tasks fail, and their time is lost"
    stage = "etl"
    lost_share_threshold = 0.03  # of the run, lost with failed tasks and jobs (own)

    def detect(self, spark: Spark) -> Finding | Fine:
        failed = [stage for stage in spark.stages if (stage.tasks["status"] == FAILED).any()]
        jobs = [job for job in spark.jobs if job.failed]
        if not failed and not jobs:
            return Fine(0.0, self.lost_share_threshold, "share", "run time lost with failed tasks")
        spans = union([spans_of([job.t0 for job in jobs], [job.t1 or spark.end_ns for job in jobs])])
        changes = {s.fact.number: StageChange((s.tasks["status"] != FAILED).astype(float)) for s in failed}
        changes |= {stage.fact.number: StageChange(0.0) for stage in spark.stages if _is_within(stage, spans)}
        replay = ScheduleChanges(spark.schedule, changes)
        given_up = seconds_of(spans)
        lost = max(saved_seconds([replay]), given_up)
        if lost / spark.run_seconds < self.lost_share_threshold:
            return Fine(lost / spark.run_seconds, self.lost_share_threshold, "share", "run time lost with failed tasks")
        errors = Counter[str]()
        for each in spark.failures:
            errors[each.error] += each.count
        error, count = next(iter(errors.most_common(1)), ("", 0))
        worst = max(failed, key=lambda stage: float(stage.seconds[stage.tasks["status"] == FAILED].sum()), default=None)
        title = f"{len(jobs)} jobs fail, and their time is lost" if len(jobs) > 1 else self.title
        return self.finding(
            title=f"{title}: {error}" if error else title,
            location=self._location(spark, worst, error),
            evidence=self._evidence(failed, worst, len(jobs), error, count),
            gain=self._gain(spark, lost, given_up),
            replay=replay,
            fix=_fix(error, spark.facts.rapids),
        )

    @staticmethod
    def _location(spark: Spark, worst: Stage | None, error: str) -> Location | None:
        """The line that raised, if the log holds it; else that of the call that started the stage."""
        if worst is None:
            return None
        raised = (spark.sites.get(each.site) for each in spark.failures if each.error == error)
        return location(next(filter(None, raised), None)) or place(worst)

    @staticmethod
    def _gain(spark: Spark, lost: float, given_up: float) -> Gain:
        method = "the time of the jobs that failed" if given_up else "the stages replayed without the failed attempts"
        return gain(lost, spark.run_seconds, method, low_seconds=0.7 * lost, high_seconds=lost, confidence=0.8)

    @staticmethod
    def _evidence(failed: list[Stage], worst: Stage | None, jobs: int, error: str, count: int) -> tuple[Evidence, ...]:
        tasks = sum(int((stage.tasks["status"] == FAILED).sum()) for stage in failed)
        seconds = sum(float(stage.seconds[stage.tasks["status"] == FAILED].sum()) for stage in failed)
        found = [
            Evidence("failed tasks", tasks, "count"),
            Evidence("time of the failed tasks", seconds, "s"),
            Evidence("failed jobs", jobs, "count"),
        ]
        if error:
            found.append(Evidence("most frequent error", f"{error} ({count} times)"))
        if worst is not None:
            found.append(Evidence("stage with most of that", str(worst)))
        return tuple(found)


def _is_within(stage: Stage, spans: Spans) -> bool:
    """Whether a stage began and ended in one of the intervals."""
    begin, end = int(stage.tasks["t0"].min()), int(stage.tasks["t1"].max())
    return bool(((spans[:, 0] <= begin) & (end <= spans[:, 1])).any())


def _fix(error: str, rapids: bool) -> Fix:
    memory = any(word in error for word in _MEMORY)
    if rapids and memory:
        return Fix(
            "Let fewer tasks share the GPU's memory, and give each one smaller batches",
            "spark.rapids.sql.concurrentGpuTasks=1\nspark.rapids.sql.batchSizeBytes=512m",
            effort=1,
        )
    if memory:
        return Fix(
            "Give each task less data or more memory: more partitions, fewer cores per executor, more memory overhead",
            'spark.conf.set("spark.sql.shuffle.partitions", "800")\n'
            "# when submitting:\n"
            "# --conf spark.executor.memoryOverhead=2g --conf spark.executor.cores=2",
            effort=1,
        )
    if any(word in error for word in _LOST):
        return Fix(
            "Find out why executors are lost: the executor's own log says whether the cluster killed it for its memory "
            "(then give it more overhead), took the machine away, or the network failed; keep shuffle files elsewhere",
            "# when submitting:\n"
            "# --conf spark.executor.memoryOverhead=2g  # if it was killed for its memory\n"
            "# --conf spark.decommission.enabled=true --conf spark.storage.decommission.shuffleBlocks.enabled=true\n"
            "# --conf spark.shuffle.io.maxRetries=10 --conf spark.network.timeout=300s  # if the network is slow",
            effort=2,
        )
    return Fix("Fix the error that the failed tasks report, and handle the rows that cause it", "", effort=2)
