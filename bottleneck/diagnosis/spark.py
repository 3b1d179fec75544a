"""What the report on a Spark application says first where no detector has a cause. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..artifacts.spark.application import Spark, Stage
from .findings import Location
from .phases import phase_words

#: Of the run in all stages, or in the largest part: with no finding, it is not "fine" but unexplained.
_STAGES_SHARE, _PART_SHARE = 0.5, 0.3
_MOST = 0.5  # of its tasks' time: what a stage mostly does
#: Parts of a task, in words; the first that holds most of the tasks' time is said.
_PARTS = (
    ("cpu_ms", "computing"),
    ("fetch_ms", "waiting for shuffled data"),
    ("write_ms", "writing shuffled data"),
    ("gc_ms", "collecting garbage"),
    ("start_ms", "receiving their code"),
)


@dataclass(frozen=True)
class Part:
    """What holds most of the run, as a clause: "28 % of the run is stage 50 ..."; ``stage``: whether it is one."""

    text: str
    share: float
    stage: bool

    def __str__(self) -> str:
        return f"{100 * self.share:.0f} % of the run is {self.text}"


def largest_part(spark: Spark) -> Part:
    """The stage, or the time without any, that holds most of the run."""
    name, seconds = max(spark.timeline.rest.items(), key=lambda item: item[1])
    first = spark.stages[0] if spark.stages else None
    if first is not None and first.own_seconds >= seconds:
        return Part(_stage(first), first.own_seconds / spark.run_seconds, True)
    return Part(phase_words(name), seconds / spark.run_seconds, False)


def holds_much(spark: Spark) -> bool:
    """Whether most of the run is in stages, or much of it in one part: no detector's "fine" is an answer for that."""
    return spark.share(spark.stages) >= _STAGES_SHARE or largest_part(spark).share >= _PART_SHARE


def _stage(stage: Stage) -> str:
    where = f" at {Location(stage.site.file, stage.site.line)}" if stage.site is not None else ""
    text = f"{stage}{where}"
    for column, words in _PARTS:
        share = stage.share(column)
        if share >= _MOST:
            return f"{text}, its tasks {words} for {100 * share:.0f} % of their time"
    return text
