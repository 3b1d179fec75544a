"""Facts about a Spark application, from its event log. Times in ns from its start; the log's clock has milliseconds."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from .base import Count, Fact, Int, Real


class SparkApplication(Fact, frozen=True):
    """The application, with the few settings that detectors ask about; no other setting is kept.

    ``local``: everything runs in the driver's process. ``rapids``: SQL runs on GPUs. ``stages``: attempts in the log;
    of very many, only the longest have a fact. ``complete``: the log holds the application's end.
    """

    kind: ClassVar[str] = "spark_application"
    name: str = ""
    version: str = ""
    local: bool = False
    dynamic: bool = False
    adaptive: bool = False
    rapids: bool = False
    task_cores: Count = 1
    broadcast_bytes: Int = 10 << 20
    stages: Count = 0
    complete: bool = False


class SparkExecutor(Fact, frozen=True):
    """An executor; ``number`` is the one in the table ``tasks``. ``lost``: it ended, and nobody had told it to."""

    kind: ClassVar[str] = "spark_executor"
    number: Count
    cores: Count
    t0: Int
    t1: Int | None = None
    lost: bool = False


class SparkJob(Fact, frozen=True):
    """A job. ``t1``: None where the log does not hold its end."""

    kind: ClassVar[str] = "spark_job"
    id: Int
    t0: Int
    t1: Int | None = None
    failed: bool = False


class SparkStage(Fact, frozen=True):
    """One attempt of a stage; ``number`` is the one in the table ``tasks``. ``name``: as Spark's interface shows it.

    ``site``: the line of the user's call, if the log holds it. ``query``: id of the SQL query, -1 for none. ``nodes``:
    operators of the query's plan that are known to have run in it, by index. ``operators``: names of the operations on
    its RDDs. ``tasks``: that it was to run.
    """

    kind: ClassVar[str] = "spark_stage"
    number: Count
    id: Int
    attempt: Int
    name: str
    t0: Int
    t1: Int | None = None
    tasks: Count = 0
    site: Int | None = None
    query: Int = -1
    nodes: tuple[Int, ...] = ()
    operators: tuple[str, ...] = ()
    parents: tuple[Int, ...] = ()
    failed: bool = False


class SparkNode(Struct, frozen=True, omit_defaults=True):
    """An operator of a plan. ``parent``: its index in the plan, -1 for the root; ``detail``: the
    functions, the folder or the columns that it works on, and of a join its kind; ``values``: its metrics by name, in
    seconds, bytes or counts, as far as the log holds them."""

    name: str
    parent: Int = -1
    detail: str = ""
    values: dict[str, Real] = {}


class SparkQuery(Fact, frozen=True):
    """A SQL query and its last plan."""

    kind: ClassVar[str] = "spark_query"
    id: Int
    t0: Int
    t1: Int | None = None
    nodes: tuple[SparkNode, ...] = ()
    site: Int | None = None


class SparkFailures(Fact, frozen=True):
    """Tasks of one stage that failed for one reason. ``error``: the class of the exception, or what happened.

    ``stage``: the stage's number. ``site``: the line of the user's Python code that raised the first one, if known.
    """

    kind: ClassVar[str] = "spark_failures"
    stage: Count
    error: str
    count: Count
    site: Int | None = None
