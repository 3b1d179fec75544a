"""Dask's graphs, with what their tasks spent. All times in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ...recording.facts import Site
from ...recording.facts.dask import DaskGraph, DaskLine, DaskSource, DaskTasks
from ...recording.model import Facts, Recording
from .. import Absent
from ..run.machine import Machine
from .dask_plans import Plan, plans_of

#: Known slow patterns that this artifact's detectors judge by what was measured, and by no samples.
JUDGED = frozenset(("dask-compute-in-loop", "dask-computed-one-by-one", "dask-one-core", "dask-tiny-partitions"))
PROCESSES = "processes"  # the scheduler whose tasks run in a pool of processes
CONCURRENT = 1.5  # tasks at a time from which a graph shows what cores they keep busy
SCALING_SHARE = 0.5  # of the further cores that tasks keep busy, if no two of them ran at a time (own)


@dataclass(frozen=True)
class Source:
    """What a lazy collection was made from."""

    name: str
    call: str
    site: Site | None
    path: str | None
    size_bytes: int | None
    parts: int


@dataclass(frozen=True)
class Graph:
    """``count`` graphs that one line had computed (``DaskGraph`` says what the times are)."""

    site: Site | None
    how: str
    count: int
    t0: int
    t1: int
    workers: int
    tasks: int
    wall_seconds: float
    build_seconds: float
    run_seconds: float
    work_seconds: float
    cpu_seconds: float
    chain_seconds: float
    longest_seconds: float
    longest_of: str
    alike: int
    alike_seconds: float
    again_seconds: float
    read_seconds: float
    reads: int
    sources: tuple[str, ...]
    transfer_seconds: float
    disk_seconds: float
    processes: int
    shuffle_seconds: float
    planning_seconds: float
    spilled_bytes: int
    most_bytes: int
    memory_share: float
    sent_bytes: int
    deserialize_seconds: float
    limit_bytes: int
    result_bytes: int
    lost: int
    plan: Plan | None
    scheduler: str

    @property
    def shuffle_wall_seconds(self) -> float:
        """Wall time of the tasks that move rows between partitions, by their share of the work."""
        return self.run_seconds * self.shuffle_seconds / max(self.work_seconds, 1e-9)

    @property
    def again_wall_seconds(self) -> float:
        """Wall time of the tasks that had run before, by their share of the work."""
        return self.run_seconds * self.again_seconds / max(self.work_seconds, 1e-9)


@dataclass(frozen=True)
class Kind:
    """Tasks whose keys begin alike."""

    prefix: str
    count: int
    seconds: float
    cpu_seconds: float
    longest_seconds: float


@dataclass(frozen=True)
class Cores:
    """Cores that concurrent tasks keep busy: at least, as a rule, at most."""

    low: float
    usual: float
    high: float


@dataclass(frozen=True)
class Dask:
    """``lines``: lines that had graphs computed, with what their source says (``DaskLine``)."""

    graphs: tuple[Graph, ...]
    sources: dict[str, Source]
    kinds: dict[str, Kind]
    lines: dict[Site, DaskLine]

    def by_line(self, graphs: Iterable[Graph]) -> dict[Site, list[Graph]]:
        """The graphs by the line that had them computed, the line with the most time first."""
        found: dict[Site, list[Graph]] = {}
        for graph in graphs:
            if graph.site is not None:
                found.setdefault(graph.site, []).append(graph)
        return dict(sorted(found.items(), key=lambda item: -sum(graph.wall_seconds for graph in item[1])))

    def cores(self, machine: Machine) -> Cores:
        """As measured where tasks of this run ran at the same time; without any, between one and all that there are."""
        most = max(1.0, min(machine.cores, max((graph.workers for graph in self.graphs), default=1)))
        crowded = [graph for graph in self.graphs if graph.work_seconds > CONCURRENT * graph.run_seconds]
        if crowded:
            used = sum(graph.cpu_seconds for graph in crowded) / max(sum(graph.run_seconds for graph in crowded), 1e-9)
            return Cores(*(min(max(used * factor, 1.0), most) for factor in (0.8, 1.0, 1.25)))
        return Cores(1.0, 1.0 + SCALING_SHARE * (most - 1.0), most)

    @classmethod
    def compute(cls, recording: Recording) -> Dask:
        facts = recording.facts
        plans = plans_of(recording)
        served = _served(recording)
        graphs = tuple(_graph(facts, owner, fact, plans, served) for owner, fact in facts.of(DaskGraph))
        if not graphs:
            raise Absent("The program computed no Dask graph.")
        sources = {
            name: Source(name, fact.call, facts.site(owner, fact.site), fact.path, fact.size_bytes, fact.parts)
            for owner, fact in facts.of(DaskSource)
            if (name := facts.strings.get((owner, fact.name), ""))
        }
        return cls(graphs, sources, _kinds(recording), {fact.place: fact for _, fact in facts.of(DaskLine)})


def _graph(
    facts: Facts, owner: int, fact: DaskGraph, plans: dict[tuple[int, int], Plan], served: tuple[float, float, float]
) -> Graph:
    elsewhere = fact.scheduler == PROCESSES
    work, cpu, chain = served if elsewhere else (0.0, 0.0, 0.0)
    return Graph(
        facts.site(owner, fact.site),
        fact.how,
        fact.count,
        fact.t0,
        fact.t1,
        fact.workers,
        fact.tasks if not elsewhere or work else 0,
        fact.wall_ns / 1e9,
        fact.build_ns / 1e9,
        fact.run_ns / 1e9,
        work * fact.tasks + fact.work_ns / 1e9,
        cpu * fact.tasks + fact.cpu_ns / 1e9,
        max(chain, fact.chain_ns / 1e9),
        fact.longest_ns / 1e9,
        fact.longest_of,
        fact.alike,
        fact.alike_ns / 1e9,
        fact.again_ns / 1e9,
        fact.read_ns / 1e9,
        fact.reads,
        tuple(facts.strings.get((owner, each), "") for each in fact.sources),
        fact.transfer_ns / 1e9,
        fact.disk_ns / 1e9,
        fact.processes,
        fact.shuffle_ns / 1e9,
        fact.planning_ns / 1e9,
        fact.spilled_bytes,
        fact.most_bytes,
        fact.memory_share,
        fact.sent_bytes,
        fact.deserialize_ns / 1e9,
        fact.limit_bytes,
        fact.result_bytes,
        fact.lost,
        plans.get((owner, fact.plan)),
        fact.scheduler,
    )


def _served(recording: Recording) -> tuple[float, float, float]:
    """(wall, CPU, longest) seconds of a task that ran in another process than its graph: the mean of all of them."""
    tasks = [fact for _, fact in recording.facts.of(DaskTasks) if fact.scheduler == PROCESSES]
    graphs = [fact for _, fact in recording.facts.of(DaskGraph) if fact.scheduler == PROCESSES]
    count = max(1, sum(graph.tasks for graph in graphs)) * 1e9
    longest = max((fact.longest_ns for fact in tasks), default=0) / 1e9
    return sum(fact.wall_ns for fact in tasks) / count, sum(fact.cpu_ns for fact in tasks) / count, longest


def _kinds(recording: Recording) -> dict[str, Kind]:
    counts: Counter[str] = Counter()
    walls: Counter[str] = Counter()
    cpus: Counter[str] = Counter()
    longest: dict[str, int] = {}
    for _, fact in recording.facts.of(DaskTasks):
        counts[fact.prefix] += fact.count
        walls[fact.prefix] += fact.wall_ns
        cpus[fact.prefix] += fact.cpu_ns
        longest[fact.prefix] = max(longest.get(fact.prefix, 0), fact.longest_ns)
    return {
        prefix: Kind(prefix, counts[prefix], walls[prefix] / 1e9, cpus[prefix] / 1e9, longest[prefix] / 1e9)
        for prefix in counts
    }
