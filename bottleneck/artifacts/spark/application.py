"""A Spark application: its stages with their tasks, its executors, and where its time went."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...diagnosis.schedule import Schedule, StageTasks
from ...recording.facts.spark import (
    SparkApplication,
    SparkExecutor,
    SparkFailures,
    SparkJob,
    SparkNode,
    SparkQuery,
    SparkStage,
)
from ...recording.intervals import Spans, spans_of, union
from ...recording.model import SUCCEEDED, Recording, Records, Site
from .. import Absent, Missing
from ..run.gaps import Span
from .timeline import WAITING, Timeline, timeline

Floats = npt.NDArray[np.float64]
#: Operators, those first that say more of what a stage does.
_TELLING = [
    re.compile(each)
    for each in (
        "Python(?!RDD)|Pandas|MapInArrow",
        "Join",
        "Window",
        "Aggregate",
        "Sort|TakeOrdered",
        "Scan",
        "Exchange",
    )
]
_NAMED_SHARE, _MOST_NAMED = 0.01, 30  # of the run: shorter stages have no row of their own; and how many have
_LEAST_SECONDS = 0.001
_CALL = re.compile(r"(.+) at .+:\d+", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Stage:
    """One attempt of a stage. ``tasks``: in the order of their launch. ``own_seconds``: of the run, see ``Timeline``.

    ``slots``: tasks of it that the executors could run at once. ``nodes``: operators of its query's plan that are known
    to have run in it. ``first``: tasks that were the first ones on their executor.
    """

    fact: SparkStage
    tasks: Records
    own_seconds: float
    slots: int
    nodes: tuple[SparkNode, ...]
    site: Site | None
    first: npt.NDArray[np.bool_]

    @cached_property
    def seconds(self) -> Floats:
        """Of each task."""
        found: Floats = (self.tasks["t1"] - self.tasks["t0"]) / 1e9
        return found

    @cached_property
    def good(self) -> npt.NDArray[np.bool_]:
        """Which tasks succeeded."""
        found: npt.NDArray[np.bool_] = self.tasks["status"] == SUCCEEDED
        return found

    def ms(self, column: str) -> Floats:
        """Seconds of each task in one of its measured parts; never more than it ran."""
        limit = np.maximum(self.tasks["run_ms"], 0) if column != "start_ms" else np.inf
        found: Floats = np.minimum(self.tasks[column], limit) / 1e3
        return found

    def share(self, *columns: str) -> float:
        """Share of the tasks' time in measured parts of it."""
        return float(sum(self.ms(column).sum() for column in columns) / max(self.seconds.sum(), 1e-9))

    @property
    def name(self) -> str:
        return f"stage {self.fact.id}" + (f" (attempt {self.fact.attempt + 1})" if self.fact.attempt else "")

    @property
    def call(self) -> str:
        """The method that started it: "collect"."""
        found = _CALL.fullmatch(self.fact.name)
        return (found[1] if found else self.fact.name).strip()

    @property
    def operators(self) -> tuple[str, ...]:
        """What it does, by the plan and by the operations on its RDDs."""
        return (*dict.fromkeys((*(node.name for node in self.nodes), *self.fact.operators)),)

    @cached_property
    def does(self) -> str:
        """The operator that says most of it, with what that works on: "SortMergeJoin on a, b"; else the method."""
        for wanted in _TELLING:
            node = next((node for node in self.nodes if wanted.search(node.name)), None)
            if node is not None:
                return described(node)
            named = next((each for each in self.fact.operators if wanted.search(each)), None)
            if named is not None:
                return named
        if self.site is None:  # the method is one of Spark's own
            return next((each for each in self.fact.operators if not each.endswith("RDD")), self.call)
        return self.call

    def __str__(self) -> str:
        return f"{self.name} ({self.does})"


@dataclass(frozen=True)
class Spark:
    """``stages``: those with tasks, longest first by ``own_seconds``. ``core_seconds``: of all executors while they
    were there, None if the log does not say how many cores they had; ``task_seconds``: of those, in tasks."""

    facts: SparkApplication
    stages: tuple[Stage, ...]
    jobs: tuple[SparkJob, ...]
    queries: Mapping[int, SparkQuery]
    executors: tuple[SparkExecutor, ...]
    failures: tuple[SparkFailures, ...]
    sites: Mapping[int | None, Site]
    timeline: Timeline
    start_ns: int
    end_ns: int
    core_seconds: float | None
    task_seconds: float

    @cached_property
    def early_core_seconds(self) -> float:
        """Of all executors, before the first job."""
        first = min((job.t0 for job in self.jobs), default=self.start_ns)
        return _core_seconds(self.executors, first) or 0.0

    @property
    def job_seconds(self) -> float:
        """Of the run in jobs."""
        return max(self.timeline.rest[WAITING] + sum(each.own_seconds for each in self.stages), 1e-9)

    @property
    def run_seconds(self) -> float:
        return max((self.end_ns - self.start_ns) / 1e9, 1e-9)

    @cached_property
    def schedule(self) -> Schedule:
        """What the laws replay."""
        return Schedule({s.fact.number: StageTasks(s.seconds, s.slots, s.own_seconds) for s in self.stages})

    @cached_property
    def _names(self) -> dict[int, str]:
        """Stage number -> its name in the breakdown; short ones have none of their own."""
        long = [each for each in self.stages[:_MOST_NAMED] if each.own_seconds >= _NAMED_SHARE * self.run_seconds]
        return {each.fact.number: f"stage:{str(each).removeprefix('stage ')}" for each in long}

    @property
    def named_seconds(self) -> dict[str, float]:
        """Seconds of the run by name, largest first."""
        seconds = {name: value for name, value in self.timeline.rest.items() if value >= _LEAST_SECONDS}
        for stage in self.stages:
            name = self._names.get(stage.fact.number, "stage:others")
            seconds[name] = seconds.get(name, 0.0) + stage.own_seconds
        return dict(sorted(seconds.items(), key=lambda item: -item[1]))

    @property
    def named_spans(self) -> tuple[Span, ...]:
        """The same as intervals; those of stages may overlap."""
        return tuple(
            Span(self._names.get(int(span.name[6:]), "stage:others"), span.start_ns, span.end_ns)
            if span.name.startswith("stage:")
            else span
            for span in self.timeline.spans
        )

    def stage(self, number: int) -> Stage | None:
        return next((each for each in self.stages if each.fact.number == number), None)

    def share(self, stages: Iterable[Stage]) -> float:
        """Of the run in these stages."""
        return sum(each.own_seconds for each in stages) / self.run_seconds

    @classmethod
    def compute(cls, recording: Recording) -> Spark:
        facts = recording.facts
        application = next((fact for _, fact in facts.of(SparkApplication)), None)
        if application is None:
            raise Absent("No Spark event log was imported.")
        if not len(recording.tasks):
            raise Missing("The log holds no task that has ended.")
        start, end = recording.started_ns, recording.ended_ns
        executors = tuple(fact for _, fact in facts.of(SparkExecutor))
        jobs = tuple(fact for _, fact in facts.of(SparkJob))
        queries = {fact.id: fact for _, fact in facts.of(SparkQuery)}
        rows = _by_stage(recording.tasks)
        times = timeline(
            {number: union([spans_of(each["t0"], each["t1"])]) for number, each in rows.items()},
            _union_of(jobs, end),
            spans_of([], []) if application.complete else _unended(recording, end),
            start,
            end,
        )
        begun = _first_on_executor(recording.tasks)
        stages = []
        for _, fact in facts.of(SparkStage):
            mine = rows.get(fact.number)
            if mine is None:
                continue
            query = queries.get(fact.query)
            nodes = () if query is None else tuple(query.nodes[i] for i in fact.nodes if i < len(query.nodes))
            site = facts.site(0, fact.site) or (None if query is None else facts.site(0, query.site))
            first = mine["t0"] <= begun[mine["executor"]]
            slots = _slots(executors, application.task_cores, mine)
            stages.append(Stage(fact, mine, times.stages.get(fact.number, 0.0), slots, nodes, site, first))
        stages.sort(key=lambda stage: -stage.own_seconds)
        task_seconds = float((recording.tasks["t1"] - recording.tasks["t0"]).sum()) / 1e9
        return cls(
            facts=application,
            stages=tuple(stages),
            jobs=jobs,
            queries=queries,
            executors=executors,
            failures=tuple(fact for _, fact in facts.of(SparkFailures)),
            sites={number: site for (process, number), site in facts.sites.items() if process == 0},
            timeline=times,
            start_ns=start,
            end_ns=end,
            core_seconds=_core_seconds(executors, end),
            task_seconds=task_seconds * application.task_cores,
        )


def described(node: SparkNode) -> str:
    """An operator with what it works on."""
    if not node.detail:
        return node.name
    if "Scan" in node.name:
        return f"{node.name} of {node.detail.rstrip('/').rpartition('/')[2]}"
    return f"{node.name} {'of' if 'Python' in node.name or 'Pandas' in node.name else 'on'} {node.detail}"


def _by_stage(tasks: Records) -> dict[int, Records]:
    """The tasks of each stage in the order of their launch."""
    order = np.lexsort((tasks["t0"], tasks["stage"]))
    numbers = tasks["stage"][order]
    borders = np.flatnonzero(np.diff(numbers)) + 1
    return {int(tasks["stage"][part[0]]): tasks[part] for part in np.split(order, borders) if len(part)}


def _first_on_executor(tasks: Records) -> npt.NDArray[np.int64]:
    """Until when tasks that start on each executor are among its first: until its first one ends."""
    found = np.full(int(tasks["executor"].max()) + 1, np.iinfo("i8").max, "i8")
    np.minimum.at(found, tasks["executor"], tasks["t1"])
    return found


def _union_of(jobs: Iterable[SparkJob], end: int) -> Spans:
    edges = [(job.t0, end if job.t1 is None else job.t1) for job in jobs]
    return union([spans_of([a for a, _ in edges], [b for _, b in edges])])


def _unended(recording: Recording, end: int) -> Spans:
    """When stages ran that have no end in the log."""
    begun = [fact.t0 for _, fact in recording.facts.of(SparkStage) if fact.t1 is None]
    return union([spans_of(begun, [end] * len(begun))])


def _slots(executors: tuple[SparkExecutor, ...], task_cores: int, tasks: Records) -> int:
    """Tasks that could run at once while these ran: by the cores of the executors; if unknown, as many as did."""
    begin, end = int(tasks["t0"].min()), int(tasks["t1"].max())
    cores = sum(
        each.cores * max(0, min(end, end if each.t1 is None else each.t1) - max(begin, each.t0)) for each in executors
    )
    if cores:
        return max(1, round(cores / max(end - begin, 1) / task_cores))
    times = np.concatenate([tasks["t0"], tasks["t1"]])
    order = np.lexsort((np.repeat([1, 0], len(tasks)), times))  # an end before a begin at the same time
    most = int(np.cumsum(np.repeat([1, -1], len(tasks))[order]).max())
    return max(1, most)


def _core_seconds(executors: tuple[SparkExecutor, ...], end: int) -> float | None:
    if not any(each.cores for each in executors):
        return None
    return sum(each.cores * max(0, min(end, end if each.t1 is None else each.t1) - each.t0) for each in executors) / 1e9
