"""One application's event log, line by line: what is kept of it grows with its tasks alone, by a row each.

Of stages, jobs and queries, which are far fewer, those that take longest are kept.
"""

from __future__ import annotations

import struct
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import msgspec

from ..recording.facts import Site
from . import _spark_json as json
from ._spark_json import KINDS, Rdd
from ._spark_plans import Metrics, raised_at, site_of
from ._spark_tasks import Tasks

MAX_STAGES, MAX_JOBS, MAX_QUERIES = 500, 2000, 50
_PREFIX, _SKIPPED = b'{"Event":"', b'{"Event":"SparkListenerTaskStart"'
_SQL = "sql"
_TOLD = ("killed by driver", "decommission", "idle", "Stopped", "exited with code 0", "shutdown", "Shutdown")


class _Timed(Protocol):
    start: int

    @property
    def length(self) -> int: ...


T = TypeVar("T", bound="_Timed")


@dataclass
class Stage:
    """An attempt of a stage; times in ms of the log's clock, None where the log does not say."""

    number: int
    info: json.StageInfo
    query: int = -1
    operators: tuple[str, ...] = ()
    accumulators: Sequence[int] = ()
    start: int = 0
    end: int | None = None
    site: Site | None = None

    @property
    def length(self) -> int:
        return 2**62 if self.end is None else self.end - self.start


@dataclass
class Job:
    id: int
    start: int
    end: int | None = None
    failed: bool = False

    @property
    def length(self) -> int:
        return 2**62 if self.end is None else self.end - self.start


@dataclass
class Query:
    id: int
    start: int
    metrics: Metrics
    site: Site | None = None
    end: int | None = None
    values: dict[int, float] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return 2**62 if self.end is None else self.end - self.start


@dataclass
class Executor:
    number: int
    cores: int
    start: int
    end: int | None = None
    lost: bool = False


class Log:
    """What has been read so far."""

    def __init__(self) -> None:
        self.application = json.ApplicationStart(0)
        self.settings, self.version = json.Settings(), ""
        self.tasks = Tasks()
        self.stages: dict[tuple[int, int], Stage] = {}
        self.jobs: dict[int, Job] = {}
        self.queries: dict[int, Query] = {}
        self.executors: dict[str, Executor] = {}
        self.failures: Counter[tuple[int, str]] = Counter()  # (stage's number, error)
        self.raised: dict[tuple[int, str], Any] = {}  # of those, the line that raised it
        self.numbers: dict[tuple[int, int], int] = {}  # stages that are running: their numbers
        self.query_of: dict[int, int] = {}  # stage id -> query, of jobs that are running
        self.job_stages: dict[int, list[int]] = {}
        self.count = 0  # of stages
        self.end_ms = 0
        self.complete = False
        self.events = self.bad = 0
        self.others: list[str] = []  # ids of further applications in the files
        self._handlers: dict[bytes, tuple[msgspec.json.Decoder[Any], Callable[[Any], None]]] = {
            name.encode(): (msgspec.json.Decoder(kind), getattr(self, "_" + name.removeprefix("SparkListener")))
            for name, kind in KINDS.items()
        }

    def read(self, lines: Iterable[bytes]) -> None:
        """Take in lines; those that cannot be read are counted."""
        handlers = self._handlers
        for line in lines:
            if line.startswith(_SKIPPED):
                continue
            name = line[len(_PREFIX) : line.find(b'"', len(_PREFIX))] if line.startswith(_PREFIX) else _name(line)
            if name is None:
                self.bad += bool(line.strip())
                continue
            self.events += 1
            found = handlers.get(name.rpartition(b".")[2])
            if found is not None:
                try:
                    found[1](found[0].decode(line))
                except (msgspec.DecodeError, ValueError, OverflowError, RecursionError, struct.error):
                    self.bad += 1

    # --- events -------------------------------------------------------------------------------------------------------
    def _TaskEnd(self, event: json.TaskEnd) -> None:
        key = event.stage, event.attempt
        number = self.numbers.get(key)
        if number is None:  # it ended after its stage, or the stage's beginning is missing
            late = self.stages.get(key)
            info = json.StageInfo(event.stage, event.attempt, submitted=event.info.launch)
            number = late.number if late is not None else self._stage(info).number
        executor = self._executor(event.info.executor, event.info.launch)
        self.tasks.add(event, number, executor.number)
        if event.reason.kind in ("Success", "", "TaskKilled", "Resubmitted"):
            return
        error, site = raised_at(event.reason.text) if "PythonException" in event.reason.error else ("", None)
        found = number, error or event.reason.error.rpartition(".")[2] or event.reason.kind
        self.failures[found] += 1
        self.raised.setdefault(found, site)

    def _StageSubmitted(self, event: json.Stage) -> None:
        stage = self._stage(event.info)
        if event.properties is not None and event.properties.id:
            stage.query = int(event.properties.id)

    def _StageCompleted(self, event: json.Stage) -> None:
        info = event.info
        stage = self._stage(info)
        stage.end = info.completed
        self._seen(info.completed)
        values = self.queries[stage.query].values if stage.query in self.queries else {}
        updates = [(a.id, _number(a.value)) for a in info.accumulables if a.metadata == _SQL]
        values.update((number, value) for number, value in updates if value is not None)
        stage.accumulators = array("q", (number for number, _ in updates))
        self.numbers.pop((info.id, info.attempt), None)
        _keep_longest(self.stages, MAX_STAGES)

    def _JobStart(self, event: json.JobStart) -> None:
        self.jobs[event.id] = Job(event.id, event.time)
        self._seen(event.time)
        if event.properties is not None and event.properties.id:
            self.query_of.update(dict.fromkeys(event.stages, int(event.properties.id)))
            self.job_stages[event.id] = event.stages

    def _JobEnd(self, event: json.JobEnd) -> None:
        for stage in self.job_stages.pop(event.id, ()):
            self.query_of.pop(stage, None)
        job = self.jobs.setdefault(event.id, Job(event.id, event.time))
        job.end, job.failed = event.time, event.result.result == "JobFailed"
        self._seen(event.time)
        _keep_longest(self.jobs, MAX_JOBS)

    def _ExecutorAdded(self, event: json.ExecutorAdded) -> None:
        executor = self._executor(event.id, event.time)
        executor.cores, executor.start = event.info.cores, event.time
        self._seen(event.time)

    def _ExecutorRemoved(self, event: json.ExecutorRemoved) -> None:
        executor = self._executor(event.id, event.time)
        executor.end = event.time
        executor.lost = not any(word in (event.reason or "") for word in _TOLD)
        self._seen(event.time)

    def _EnvironmentUpdate(self, event: json.Environment) -> None:
        self.settings = event.settings

    def _LogStart(self, event: json.LogStart) -> None:
        self.version = event.version

    def _ApplicationStart(self, event: json.ApplicationStart) -> None:
        if self.application.time and event.id != self.application.id:
            self.others.append(event.id or event.name)
        elif not self.application.time:
            self.application = event

    def _ApplicationEnd(self, event: json.ApplicationEnd) -> None:
        self.complete = True
        self._seen(event.time)

    def _SQLExecutionStart(self, event: json.QueryStart) -> None:
        site = site_of(event.description, event.details)
        self.queries[event.id] = Query(event.id, event.time, Metrics(event.plan), site)
        self._seen(event.time)

    def _SQLAdaptiveExecutionUpdate(self, event: json.PlanUpdate) -> None:
        if event.id in self.queries and event.plan is not None:
            self.queries[event.id].metrics = Metrics(event.plan)

    def _DriverAccumUpdates(self, event: json.Updates) -> None:
        if event.id in self.queries:
            self.queries[event.id].values.update(event.updates)

    def _SQLExecutionEnd(self, event: json.QueryEnd) -> None:
        if event.id in self.queries:
            self.queries[event.id].end = event.time
            _keep_longest(self.queries, MAX_QUERIES)
        self._seen(event.time)

    # --- parts --------------------------------------------------------------------------------------------------------
    def _seen(self, time: int | None) -> None:
        self.end_ms = max(self.end_ms, time or 0)

    def _stage(self, info: json.StageInfo) -> Stage:
        """The stage that is described; what is said of it last holds."""
        key = info.id, info.attempt
        stage = self.stages.get(key)
        if stage is None:
            number = self.numbers.get(key, self.count)
            self.count = max(self.count, number + 1)
            stage = self.stages[key] = Stage(number, info, self.query_of.get(info.id, -1))
        self.numbers[key] = stage.number
        names = dict.fromkeys(name for rdd in info.rdds for name in _operators(rdd))
        stage.operators = tuple(names) or stage.operators
        stage.start = info.submitted or stage.start
        stage.site = site_of(info.name, info.details) or stage.site
        stage.info = msgspec.structs.replace(info, rdds=[], accumulables=[], details="")
        self._seen(info.submitted)
        return stage

    def _executor(self, name: str, time: int) -> Executor:
        found = self.executors.get(name)
        if found is None:
            found = self.executors[name] = Executor(len(self.executors), 0, time)
        return found


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file that comes in pieces; the last one too, which may be cut off."""
    held: list[bytes] = []
    for piece in pieces:
        first, *rest = piece.split(b"\n")
        held.append(first)
        if rest:
            yield b"".join(held)
            yield from rest[:-1]
            held = [rest[-1]]
    if held:
        yield b"".join(held)


def _name(line: bytes) -> bytes | None:
    """The event of a line that is not written as Spark writes it."""
    try:
        return cast(str, msgspec.json.decode(line)["Event"]).encode()
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _operators(rdd: Rdd) -> Iterator[str]:
    """The operation that made an RDD, and the RDD's own kind if it holds Python rows."""
    if rdd.name in ("PythonRDD", "PairwiseRDD"):
        yield rdd.name
    if rdd.scope:
        try:
            name = msgspec.json.decode(rdd.scope).get("name", "")
        except (msgspec.DecodeError, AttributeError):
            return
        if name:
            yield str(name).strip()[:100]


def _number(value: Any) -> float | None:
    """Versions before 3 write the metrics of SQL as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _keep_longest(found: dict[Any, T], most: int) -> None:
    """Forget the shortest when there are twice as many as wanted."""
    if len(found) > 2 * most:
        for key in sorted(found, key=lambda key: found[key].length)[: len(found) - most]:
            del found[key]
