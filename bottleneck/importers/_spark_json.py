"""The parts of Spark's events that are read, typed; everything else is skipped while it is decoded.

Names are those of Spark's JsonProtocol, versions 1 to 4. Properties are never decoded, except for the few that are
named here: they may hold passwords.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

Millis = Annotated[int, Meta(ge=0, le=1 << 43)]  # since 1970: up to the year 2248


class Reason(Struct):
    kind: str = field(name="Reason", default="")
    error: str = field(name="Class Name", default="")
    text: str | None = field(name="Description", default="")


class TaskInfo(Struct):
    executor: str = field(name="Executor ID", default="")
    launch: Millis = field(name="Launch Time", default=0)
    finish: Millis = field(name="Finish Time", default=0)


class Fetched(Struct):
    wait: int = field(name="Fetch Wait Time", default=0)
    remote: int = field(name="Remote Bytes Read", default=0)
    local: int = field(name="Local Bytes Read", default=0)


class Shuffled(Struct):
    bytes: int = field(name="Shuffle Bytes Written", default=0)
    ns: int = field(name="Shuffle Write Time", default=0)


class In(Struct):
    bytes: int = field(name="Bytes Read", default=0)


class Out(Struct):
    bytes: int = field(name="Bytes Written", default=0)


class Metrics(Struct):
    start: int = field(name="Executor Deserialize Time", default=0)
    run: int = field(name="Executor Run Time", default=0)
    cpu_ns: int = field(name="Executor CPU Time", default=0)
    gc: int = field(name="JVM GC Time", default=0)
    spilled_memory: int = field(name="Memory Bytes Spilled", default=0)
    spilled_disk: int = field(name="Disk Bytes Spilled", default=0)
    fetched: Fetched | None = field(name="Shuffle Read Metrics", default=None)
    shuffled: Shuffled | None = field(name="Shuffle Write Metrics", default=None)
    read: In | None = field(name="Input Metrics", default=None)
    written: Out | None = field(name="Output Metrics", default=None)


class TaskEnd(Struct):
    info: TaskInfo = field(name="Task Info")
    stage: int = field(name="Stage ID")
    attempt: int = field(name="Stage Attempt ID", default=0)
    reason: Reason = field(name="Task End Reason", default_factory=Reason)
    metrics: Metrics | None = field(name="Task Metrics", default=None)


class Rdd(Struct):
    name: str = field(name="Name", default="")
    scope: str | None = field(name="Scope", default=None)


class Accumulable(Struct):
    id: int = field(name="ID", default=-1)
    value: Any = field(name="Value", default=None)
    metadata: str | None = field(name="Metadata", default=None)


class StageInfo(Struct):
    id: int = field(name="Stage ID")
    attempt: int = field(name="Stage Attempt ID", default=0)
    name: str = field(name="Stage Name", default="")
    tasks: int = field(name="Number of Tasks", default=0)
    details: str | None = field(name="Details", default="")
    submitted: Millis | None = field(name="Submission Time", default=None)
    completed: Millis | None = field(name="Completion Time", default=None)
    failure: str | None = field(name="Failure Reason", default=None)
    parents: list[int] = field(name="Parent IDs", default_factory=list)
    rdds: list[Rdd] = field(name="RDD Info", default_factory=list)
    accumulables: list[Accumulable] = field(name="Accumulables", default_factory=list)


class QueryOf(Struct):
    """The one property of a job that is read: the number of its SQL query."""

    id: str | None = field(name="spark.sql.execution.id", default=None)


class Stage(Struct):
    info: StageInfo = field(name="Stage Info")
    properties: QueryOf | None = field(name="Properties", default=None)


class JobStart(Struct):
    id: int = field(name="Job ID")
    time: Millis = field(name="Submission Time", default=0)
    stages: list[int] = field(name="Stage IDs", default_factory=list)
    properties: QueryOf | None = field(name="Properties", default=None)


class JobResult(Struct):
    result: str = field(name="Result", default="")


class JobEnd(Struct):
    id: int = field(name="Job ID")
    time: Millis = field(name="Completion Time", default=0)
    result: JobResult = field(name="Job Result", default_factory=JobResult)


class ExecutorInfo(Struct):
    cores: Annotated[int, Meta(ge=0, le=1 << 20)] = field(name="Total Cores", default=0)


class ExecutorAdded(Struct):
    time: Millis = field(name="Timestamp")
    id: str = field(name="Executor ID")
    info: ExecutorInfo = field(name="Executor Info", default_factory=ExecutorInfo)


class ExecutorRemoved(Struct):
    time: Millis = field(name="Timestamp")
    id: str = field(name="Executor ID")
    reason: str | None = field(name="Removed Reason", default="")


class Settings(Struct):
    """What is asked of the configuration; the rest is not decoded."""

    master: str = field(name="spark.master", default="")
    task_cores: str = field(name="spark.task.cpus", default="1")
    dynamic: str = field(name="spark.dynamicAllocation.enabled", default="false")
    adaptive: str = field(name="spark.sql.adaptive.enabled", default="")
    broadcast: str = field(name="spark.sql.autoBroadcastJoinThreshold", default="")
    plugins: str = field(name="spark.plugins", default="")


class Environment(Struct):
    settings: Settings = field(name="Spark Properties", default_factory=Settings)


class LogStart(Struct):
    version: str = field(name="Spark Version", default="")


class ApplicationStart(Struct):
    time: Millis = field(name="Timestamp")
    name: str = field(name="App Name", default="")
    id: str | None = field(name="App ID", default="")


class ApplicationEnd(Struct):
    time: Millis = field(name="Timestamp")


class Metric(Struct):
    name: str = ""
    id: int = field(name="accumulatorId", default=-1)
    kind: str = field(name="metricType", default="sum")


class Plan(Struct):
    name: str = field(name="nodeName", default="")
    text: str = field(name="simpleString", default="")
    children: list[Plan] = []
    metadata: dict[str, str] = {}
    metrics: list[Metric] = []


class QueryStart(Struct):
    id: int = field(name="executionId")
    time: Millis = 0
    description: str | None = ""
    details: str | None = ""
    plan: Plan | None = field(name="sparkPlanInfo", default=None)


class PlanUpdate(Struct):
    id: int = field(name="executionId")
    plan: Plan | None = field(name="sparkPlanInfo", default=None)


class Updates(Struct):
    id: int = field(name="executionId")
    updates: list[tuple[int, int]] = field(name="accumUpdates", default_factory=list)


class QueryEnd(Struct):
    id: int = field(name="executionId")
    time: Millis = 0


#: Event -> what is read of it. Events that are not named here are counted.
KINDS: dict[str, type[Struct]] = {
    "SparkListenerTaskEnd": TaskEnd,
    "SparkListenerStageSubmitted": Stage,
    "SparkListenerStageCompleted": Stage,
    "SparkListenerJobStart": JobStart,
    "SparkListenerJobEnd": JobEnd,
    "SparkListenerExecutorAdded": ExecutorAdded,
    "SparkListenerExecutorRemoved": ExecutorRemoved,
    "SparkListenerEnvironmentUpdate": Environment,
    "SparkListenerLogStart": LogStart,
    "SparkListenerApplicationStart": ApplicationStart,
    "SparkListenerApplicationEnd": ApplicationEnd,
    "SparkListenerSQLExecutionStart": QueryStart,
    "SparkListenerSQLAdaptiveExecutionUpdate": PlanUpdate,
    "SparkListenerDriverAccumUpdates": Updates,
    "SparkListenerSQLExecutionEnd": QueryEnd,
}
