"""What the detectors of Spark share: which stages count, where they are, and what a fix saves by replaying them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...artifacts.spark.application import Spark, Stage
from ...diagnosis.findings import Evidence, Gain, Location
from ...diagnosis.laws import gain
from ...diagnosis.schedule import ScheduleChanges, StageChange, saved_seconds
from .._common import location

MIN_SHARE = 0.02  # of the run in a stage: shorter ones are not looked at

Floats = npt.NDArray[np.float64]


def large(spark: Spark, least: float = MIN_SHARE) -> list[Stage]:
    """Stages that hold at least this share of the run, longest first."""
    return [stage for stage in spark.stages if stage.own_seconds >= least * spark.run_seconds]


def titled(title: str, stage: Stage, what: str = "") -> str:
    """The title, with the stage (or ``what`` it does) if no line of the user's can be named."""
    return f"{title}: {what or stage}" if stage.site is None else title


def place(stage: Stage) -> Location | None:
    """The line of the user's call that started the stage, if the log holds it."""
    return location(stage.site)


def evidence(spark: Spark, stages: list[Stage]) -> tuple[Evidence, ...]:
    """What every finding about stages shows: which they are, and how much of the run they hold."""
    first = stages[0]
    found = [
        Evidence("stage", str(first)),
        Evidence("time in it" if len(stages) == 1 else f"time in {len(stages)} such stages", _own(stages), "s"),
        Evidence("share of the run", spark.share(stages), "share"),
        Evidence("tasks of the stage", len(first.tasks), "count"),
    ]
    if len(stages) > 1:
        found.insert(1, Evidence("further stages", ", ".join(str(each.fact.id) for each in stages[1:6])))
    return tuple(found)


def replayed(
    spark: Spark,
    changes: Mapping[Stage, StageChange] | Iterable[tuple[Stage, StageChange]],
    method: str,
    *,
    low: float = 0.6,
    high: float = 1.1,
    confidence: float = 0.8,
    ceiling: bool = False,
) -> tuple[Gain, ScheduleChanges]:
    """What the changes save, and the changes for the plan. ``low``, ``high``: of the predicted seconds."""
    pairs = changes.items() if isinstance(changes, Mapping) else changes
    replay = ScheduleChanges(spark.schedule, {stage.fact.number: change for stage, change in pairs})
    seconds = saved_seconds([replay])
    in_jobs = spark.job_seconds / spark.run_seconds  # the rest, as of somebody at a shell, is no noise of theirs
    priced = gain(
        seconds,
        spark.job_seconds,
        f"{method}; the tasks are replayed on the executors' cores",
        low_seconds=low * seconds,
        high_seconds=high * seconds,
        confidence=confidence,
        ceiling=ceiling,
    )
    share, low_share, high_share = (each * in_jobs for each in (priced.share, priced.low, priced.high))
    whole = replace(priced, share=share, low=low_share, high=high_share, step_share=priced.share, whose="cluster")
    return whole, replay


def left(stage: Stage, removed: Floats) -> StageChange:
    """The stage without some seconds of each task."""
    return StageChange(scale=1.0 - np.minimum(removed / np.maximum(stage.seconds, 1e-9), 1.0))


def _own(stages: list[Stage]) -> float:
    return sum(stage.own_seconds for stage in stages)
