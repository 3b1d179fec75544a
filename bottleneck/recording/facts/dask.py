"""Facts about Dask: the graphs that were computed, their tasks, and what they were made from."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Fact, Int, Moment, Real
from .source import Line


class DaskSource(Fact, frozen=True):
    """A lazy collection made from files or other data. ``name``: string id of its key; ``parts``: 0 if unknown."""

    kind: ClassVar[str] = "dask_source"
    name: Int
    call: str
    site: Int = 0
    path: str | None = None
    size_bytes: Count | None = None
    parts: Count = 0


class DaskGraph(Fact, frozen=True):
    """``count`` calls of ``compute`` or ``persist`` at one line, with the graphs that they ran.

    ``build_ns``: until the first task could start; ``run_ns``: from then to the end of the last one; ``work_ns``,
    ``cpu_ns``: of its tasks, summed over threads; ``chain_ns``: the longest chain of tasks that need each other (0 if
    the graph was too large to follow); ``longest_of``: the kind of the longest task, of which there are ``alike``, with
    ``alike_ns`` in all; ``again_ns``: of tasks that had run before with the same result; ``read_ns``
    and ``reads``: of tasks that read the sources. ``caller``: the user's line that called the function.
    ``sources``: string ids. Of a cluster's graph: ``transfer_ns``, ``deserialize_ns``, ``disk_ns``: of its tasks,
    before they compute; ``most_bytes``: the largest result; ``spilled_bytes``: on the workers' disks at most;
    ``memory_share``: of the limit of the fullest worker.
    """

    kind: ClassVar[str] = "dask_graph"
    t0: Moment
    t1: Moment
    how: str = "compute"
    count: Count = 1
    site: Int = 0
    caller: Int = 0
    workers: Count = 0
    tasks: Count = 0
    wall_ns: Count = 0
    build_ns: Count = 0
    run_ns: Count = 0
    work_ns: Count = 0
    cpu_ns: Count = 0
    chain_ns: Count = 0
    longest_ns: Count = 0
    longest_of: str = ""
    alike: Count = 0
    alike_ns: Count = 0
    again_ns: Count = 0
    read_ns: Count = 0
    reads: Count = 0
    sources: tuple[Int, ...] = ()
    scheduler: str = ""
    processes: Count = 0
    transfer_ns: Count = 0
    deserialize_ns: Count = 0
    disk_ns: Count = 0
    most_bytes: Count = 0
    spilled_bytes: Count = 0
    memory_share: Real = 0.0


class DaskTasks(Fact, frozen=True):
    """Tasks of one kind, the beginning of their keys, that ran since the last such fact; nanoseconds, summed."""

    kind: ClassVar[str] = "dask_tasks"
    prefix: str
    count: Count
    wall_ns: Count
    cpu_ns: Count = 0
    longest_ns: Count = 0
    transfer_ns: Count = 0
    deserialize_ns: Count = 0
    disk_ns: Count = 0
    bytes: Count = 0
    most_bytes: Count = 0
    scheduler: str = ""


class DaskLine(Line, frozen=True):
    """A line that had graphs computed one after another. ``independent``: its source shows a loop whose passes need
    nothing of each other."""

    kind: ClassVar[str] = "dask_line"
    independent: bool = False
