"""Spark applications that spend most of their time starting up."""

from __future__ import annotations

from ...artifacts.spark.application import Spark
from ...artifacts.spark.timeline import STARTUP, WAITING
from ...diagnosis.findings import Evidence, Finding, Fine, Fix
from ...diagnosis.laws import gain
from .. import Detector
from ._shared import Floats


class SparkStartup(Detector):
    """Starting the application and its executors takes long compared with the work that they do.

    Why it matters
        Each application requests executors, and each executor starts a JVM and loads its classes. That can take tens of
        seconds, which every short job pays again in full.
    How it is measured
        In an event log, the time until the first executor registers, if a job waits for it or begins right after, and
        the time in which the first tasks on each executor receive and load their code. Time in which the executors
        wait for the first job does not count: somebody types at a shell, or the driver prepares the job. In local
        mode, all time before the first job is of that kind.
    How to fix it
        Run several jobs in one application, keep one running for short jobs (Spark Connect, a Livy session), or process
        small data without a cluster.
    When to ignore it
        When the application runs rarely and nobody waits for it.
    """

    id = "spark-startup"
    title = "Start-up takes longer than the work"
    stage = "etl"
    share_threshold = 0.25  # of the run (own)
    min_seconds = 5.0  # less is what any application takes
    idle_seconds = 10.0  # executors that wait longer for the first job wait for a person, or for the driver
    kept_share = 0.2  # of the start-up that remains, as a share of it (own)

    def detect(self, spark: Spark) -> Finding | Fine:
        starting, waiting = self._starting(spark)
        warming = self._warming(spark)
        seconds = starting + waiting + warming
        share = seconds / spark.run_seconds
        if share < self.share_threshold or seconds < self.min_seconds:
            return Fine(share, self.share_threshold, "share", "run time until executors are ready and warm")
        saved = seconds * (1.0 - self.kept_share)
        return self.finding(
            evidence=(
                Evidence("time until executors could work on a job", starting + waiting, "s"),
                Evidence("loading code in the first tasks", warming, "s"),
                Evidence("share of the run", share, "share"),
                Evidence("time in stages", sum(stage.own_seconds for stage in spark.stages), "s"),
                Evidence("executors", len(spark.executors), "count"),
            ),
            gain=gain(
                saved,
                spark.run_seconds,
                f"an application that is already running saves all of it but {self.kept_share:.0%}",
                low_seconds=0.5 * saved,
                high_seconds=seconds,
                confidence=0.6,
            ),
            removes={STARTUP: starting, WAITING: waiting},
            fix=Fix(
                "Run short jobs in an application that is already running, or several of them in one",
                'spark = SparkSession.builder.remote("sc://host:15002").getOrCreate()  # Spark Connect\n'
                "# or, for data that fits on one machine:\n"
                'spark = SparkSession.builder.master("local[*]").getOrCreate()',
                effort=4,
            ),
        )

    def _starting(self, spark: Spark) -> tuple[float, float]:
        """Seconds before the first job that were start-up, and those in which jobs wait for the first executor."""
        there = min((each.t0 for each in spark.executors if each.cores), default=spark.start_ns)
        first_job = spark.start_ns + round(spark.timeline.rest[STARTUP] * 1e9)
        starting = first_job - spark.start_ns
        if spark.facts.local or first_job - there > self.idle_seconds * 1e9:  # nothing waited for the executors
            starting = 0
        late = sum(span.seconds for span in spark.timeline.spans if span.name == WAITING and span.start_ns < there)
        return max(0.0, starting / 1e9), late

    @staticmethod
    def _warming(spark: Spark) -> float:
        """Seconds of the run in which the first tasks of executors receive and load their code."""
        total = 0.0
        for stage in spark.stages:
            work: Floats = stage.seconds
            if work.sum() > 0 and stage.first.any():
                total += stage.own_seconds * float(stage.ms("start_ms")[stage.first].sum() / work.sum())
        return total
