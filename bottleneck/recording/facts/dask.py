"""Facts about Dask: the graphs that were computed, their tasks, and what they were made from."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

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
    and ``reads``: of tasks that read the sources; ``shuffle_ns``: of tasks that move rows between partitions;
    ``planning_ns``: of ``run_ns``, in graphs that Dask computed before, to divide an index. ``plan``: the id of a
    ``DaskPlan``, 0 for none. ``caller``: the user's line that called the function.
    ``sources``: string ids. Of a cluster's graph: ``transfer_ns``, ``deserialize_ns``, ``disk_ns``: of its tasks,
    before they compute; ``most_bytes``: the largest result; ``spilled_bytes``: on the workers' disks at most;
    ``memory_share``: of the limit of the fullest worker, ``limit_bytes``; ``result_bytes``: of all results; ``lost``:
    workers that left while it ran; ``sent_bytes``: of the graph, as the client sends it.
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
    shuffle_ns: Count = 0
    planning_ns: Count = 0
    plan: Int = 0
    sent_bytes: Count = 0
    limit_bytes: Count = 0
    result_bytes: Count = 0
    lost: Count = 0


class DaskNode(Struct, frozen=True, omit_defaults=True):
    """An operation of a plan. ``needs``: ids of the operations whose rows it takes; ``site``: of the user's call;
    ``function``: site of the function that it was given; ``details``: operand -> the strings in it."""

    id: Count
    name: str
    kind: str
    elemwise: bool = False
    needs: tuple[Count, ...] = ()
    site: Int = 0
    function: Int = 0
    details: dict[str, list[str]] = {}


class DaskPlan(Fact, frozen=True):
    """What frames that are computed together do, each operation after those that it needs."""

    kind: ClassVar[str] = "dask_plan"
    id: Int
    nodes: tuple[DaskNode, ...] = ()


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


class DaskReduction(Line, frozen=True):
    """The first line of a function that, given the rows of a group, returns reductions of its columns alone."""

    kind: ClassVar[str] = "dask_reduction"
