"""Spark executors that are allocated but idle."""

from __future__ import annotations

from ...artifacts.spark.application import Spark
from ...artifacts.spark.timeline import DRIVER, OPEN, STARTUP
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotApplicable, NotMeasured, Outcome
from .. import Detector


class IdleExecutors(Detector):
    """Cores of the cluster are reserved for the application, but for most of that time no task runs on them.

    Why it matters
        They are paid for, and nobody else can use them.
    How it is measured
        In an event log, the core seconds of all executors, each from the time it registers until it is removed, and how
        many of them tasks use. Waiting before the first job does not count: that is start-up. In local mode there are
        no executors to release.
    How to fix it
        Let Spark release idle executors (dynamic allocation), request fewer, or move the work that only the driver does
        between the jobs out of the application.
    When to ignore it
        When the application is an interactive shell, or a service that has to answer at once.
    """

    id = "idle-executors"
    title = "Executors are idle for most of the time that they are reserved"
    stage = "etl"
    idle_share_threshold = 0.5  # of the core seconds that are reserved [DataFlint]
    min_seconds = 30.0  # of the application: a short one is mostly start-up
    open_share = 0.1  # of the run in stages that had not ended: beyond that, the cores' use is not known
    kept_share = 0.2  # cores to keep beyond what the tasks need (own)

    def detect(self, spark: Spark) -> Outcome:
        if spark.facts.local:
            return NotApplicable("Spark runs in local mode, without separate executors.")
        if spark.core_seconds is None:
            return NotMeasured("The log does not say how many cores the executors have.")
        if spark.run_seconds < self.min_seconds:
            return NotMeasured(f"The application took less than {self.min_seconds:.0f} s.")
        if spark.timeline.rest[OPEN] > self.open_share * spark.run_seconds:
            return NotMeasured("Some tasks had not ended when the log ends, and it does not say which cores they used.")
        reserved = spark.core_seconds - spark.early_core_seconds
        idle = max(0.0, 1.0 - spark.task_seconds / max(reserved, 1e-9))
        if idle < self.idle_share_threshold:
            return Fine(idle, self.idle_share_threshold, "share", "idle core seconds after the first job began")
        free = max(0.0, idle - self.kept_share * (1.0 - idle))
        rest = spark.timeline.rest
        return self.finding(
            evidence=(
                Evidence("executors", len(spark.executors), "count"),
                Evidence("core seconds reserved after the first job began", reserved, "s"),
                Evidence("core seconds in tasks", spark.task_seconds, "s"),
                Evidence("idle share", idle, "share"),
                Evidence("time of the run without any job", rest[DRIVER] + rest[STARTUP], "s"),
                Evidence("dynamic allocation", "on" if spark.facts.dynamic else "off"),
            ),
            gain=Gain(
                free,
                0.5 * free,
                idle,
                0.0,
                f"the idle core seconds, less {self.kept_share:.0%} of what the tasks need",
                basis="capacity",
                whose="cluster",
            ),
            fix=_fix(spark),
            detected_by=0.6,
        )


def _fix(spark: Spark) -> Fix:
    if spark.facts.dynamic:
        return Fix(
            "Release idle executors sooner, and limit how many are requested",
            "spark.dynamicAllocation.executorIdleTimeout=30s\nspark.dynamicAllocation.maxExecutors=4",
            effort=1,
        )
    return Fix(
        "Let Spark release idle executors, or request fewer",
        "spark.dynamicAllocation.enabled=true\nspark.dynamicAllocation.shuffleTracking.enabled=true",
        effort=1,
    )
