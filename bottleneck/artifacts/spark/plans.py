"""Questions to the plan of a SQL query: children, exchanges below an operator, and what ran in which stage. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ...recording.facts.spark import SparkNode, SparkQuery
from .application import Spark, Stage


def children(query: SparkQuery, index: int) -> list[int]:
    """The operators right below one, in the order of the plan: of a join, left and right."""
    return [at for at, node in enumerate(query.nodes) if node.parent == index]


def exchange_below(query: SparkQuery, index: int) -> int | None:
    """The first exchange at an operator or below it, as long as each has one input only."""
    while True:
        if query.nodes[index].name.startswith(("Exchange", "ReusedExchange")):
            return index
        below = children(query, index)
        if len(below) != 1:
            return None
        index = below[0]


def above(query: SparkQuery, index: int) -> Iterator[SparkNode]:
    """The operators above one, up to the root."""
    while (index := query.nodes[index].parent) >= 0:
        yield query.nodes[index]


def stages_of(spark: Spark, query: SparkQuery, index: int) -> list[Stage]:
    """The stages in which an operator is known to have run."""
    return [stage for stage in spark.stages if stage.fact.query == query.id and index in stage.fact.nodes]
