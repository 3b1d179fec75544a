"""What a Spark application takes once its stages have other tasks: its executors' cores take them up again. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_MANY = 20_000  # tasks from which on the order hardly matters: work over cores, and at the end half a task


@dataclass(frozen=True)
class StageTasks:
    """The tasks of a stage in the order of their launch. ``slots``: that can run at once. ``own_seconds``: of the run,
    what belongs to this stage: time that several stages share is divided among them."""

    seconds: Floats
    slots: int
    own_seconds: float


@dataclass(frozen=True)
class Schedule:
    """All stages by number."""

    stages: Mapping[int, StageTasks]


@dataclass(frozen=True)
class StageChange:
    """What a fix does: it scales each task's time, evens the work out, or regroups it into ``tasks`` tasks."""

    scale: Floats | float = 1.0
    even: bool = False
    tasks: int | None = None


@dataclass(frozen=True)
class ScheduleChanges:
    """What a fix changes in the schedule ``of``: stage number -> change."""

    of: Schedule
    stages: Mapping[int, StageChange] = field(default_factory=dict)


def makespan_seconds(seconds: Floats, slots: int) -> float:
    """How long tasks take that are launched in this order, each on the slot that is free first."""
    slots = max(1, slots)
    if not len(seconds):
        return 0.0
    if len(seconds) <= slots:
        return float(seconds.max())
    if len(seconds) > _MANY:
        return max(float(seconds.sum()) / slots + float(seconds.mean()) / 2, float(seconds.max()))
    free = [0.0] * slots
    for each in seconds.tolist():
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def changed_seconds(stage: StageTasks, changes: Iterable[StageChange]) -> float:
    """The stage's seconds of the run after changes: as observed, times what the replay says of them."""
    seconds = stage.seconds
    before = makespan_seconds(seconds, stage.slots)
    if before <= 0.0:
        return stage.own_seconds
    even, tasks = False, None
    for change in changes:
        seconds = seconds * change.scale
        even |= change.even
        tasks = change.tasks if change.tasks is not None else tasks
    if tasks is not None:
        after = makespan_seconds(np.full(max(1, tasks), float(seconds.sum()) / max(1, tasks)), stage.slots)
    elif even:
        after = float(seconds.sum()) / min(stage.slots, max(len(seconds), 1))
    else:
        after = makespan_seconds(seconds, stage.slots)
    return stage.own_seconds * min(1.0, after / before)


def saved_seconds(changes: Iterable[ScheduleChanges]) -> float:
    """Seconds of the run that fixes save together."""
    all_changes = list(changes)
    if not all_changes:
        return 0.0
    stages, saved = all_changes[0].of.stages, 0.0
    for number in {number for each in all_changes for number in each.stages}:
        stage = stages.get(number)
        if stage is not None:
            mine = [each.stages[number] for each in all_changes if number in each.stages]
            saved += stage.own_seconds - changed_seconds(stage, mine)
    return saved
