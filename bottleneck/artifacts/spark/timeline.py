"""Where the time of a Spark application went: each second counted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...recording.intervals import Spans, gaps, seconds_of, spans_of, union, without
from ..run.gaps import Span

STARTUP, DRIVER, WAITING, OPEN = "spark.startup", "spark.driver", "spark.waiting", "spark.open"
_MOST_SPANS = 2000


@dataclass(frozen=True)
class Timeline:
    """``stages``: stage number -> seconds; time in which tasks of several run is divided among them equally.

    ``rest``: seconds by name: before the first job, between jobs, of jobs while no task runs, and of stages that had
    not ended. ``spans``: the same
    in order, stages by number.
    """

    stages: Mapping[int, float]
    rest: Mapping[str, float]
    spans: tuple[Span, ...]


def timeline(tasks: Mapping[int, Spans], jobs: Spans, unended: Spans, start: int, end: int) -> Timeline:
    """``tasks``: stage number -> when tasks of it run; ``jobs``: when jobs do; ``unended``: from the begin of a stage
    that had not ended when the log does, whose last tasks the log does not hold; all as unions of intervals in ns."""
    seconds, spans = dict.fromkeys(tasks, 0.0), list[Span]()
    edges = np.unique(np.concatenate([np.array([start, end]), *(each.ravel() for each in tasks.values())]))
    edges = edges[(edges >= start) & (edges <= end)]
    lengths = np.diff(edges) / 1e9
    running: dict[int, npt.NDArray[np.bool_]] = {number: _covers(each, edges) for number, each in tasks.items()}
    count = sum((each.astype("i4") for each in running.values()), np.zeros(len(lengths), "i4"))
    for number, mine in running.items():
        seconds[number] = float((lengths[mine] / count[mine]).sum())
    busy = union(list(tasks.values()))
    free = gaps(busy, start, end)
    first = int(jobs[0, 0]) if len(jobs) else int(busy[0, 0]) if len(busy) else end
    before = union([free[free[:, 0] < first].clip(max=first)]) if len(free) else free
    later = without(free, before) if len(before) else free
    going_on = _both(later, unended)
    later = without(later, going_on) if len(going_on) else later
    waiting = _both(later, jobs)
    driver = without(later, waiting) if len(waiting) else later
    rest = {}
    for name, parts in ((STARTUP, before), (DRIVER, driver), (WAITING, waiting), (OPEN, going_on)):
        rest[name] = seconds_of(parts)
        spans += [Span(name, a, b) for a, b in parts.tolist()]
    for number, each in tasks.items():
        spans += [Span(f"stage:{number}", a, b) for a, b in each.tolist()]
    spans.sort(key=lambda span: -span.seconds)
    return Timeline(seconds, rest, tuple(sorted(spans[:_MOST_SPANS], key=lambda span: span.start_ns)))


def _covers(spans: Spans, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of the pieces between edges lie in one of the intervals."""
    change = np.zeros(len(edges), "i4")
    np.add.at(change, np.searchsorted(edges, spans[:, 0]).clip(max=len(edges) - 1), 1)
    np.add.at(change, np.searchsorted(edges, spans[:, 1]).clip(max=len(edges) - 1), -1)
    found: npt.NDArray[np.bool_] = np.cumsum(change)[:-1] > 0
    return found


def _both(one: Spans, other: Spans) -> Spans:
    """The time that is in both unions."""
    if not len(one) or not len(other):
        return spans_of([], [])
    return without(one, without(one, other))
