"""Spark joins that shuffle a large table although the other table is small enough to broadcast."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ...artifacts.spark.application import Spark, Stage
from ...artifacts.spark.plans import children, exchange_below, stages_of
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from ...recording.facts.spark import SparkNode, SparkQuery
from .. import Detector
from ._shared import Floats, evidence, left, place, replayed, titled

_JOIN = re.compile(r"SortMergeJoin|ShuffledHashJoin")
_SIZE = "data size"
_MB, _GB = 1 << 20, 1 << 30
#: A side up to so large is worth sending to every executor, if the other one is at least so large [DataFlint].
_LIMITS = ((10 * _MB, 100 * _MB), (100 * _MB, 10 * _GB), (_GB, 300 * _GB), (5 * _GB, 1000 * _GB))
#: Kind of the join -> the side that may be sent: the other one's rows must all be met once.
_SIDES = {"Inner": (0, 1), "Cross": (0, 1), "LeftOuter": (1,), "LeftSemi": (1,), "LeftAnti": (1,), "RightOuter": (0,)}


@dataclass(frozen=True)
class _Join:
    """``small``, ``large``: bytes of the two sides. ``joining``: the stages that join; ``writing``: those that shuffle
    the larger side for it."""

    node: SparkNode
    small: float
    large: float
    joining: list[Stage]
    writing: list[Stage]
    sorting_seconds: float


class MissedBroadcast(Detector):
    """A join shuffles both tables, although one is small enough to broadcast to every executor.

    Why it matters
        With the small table on every executor, the large one is joined in place, without a shuffle or a sort.
    How it is measured
        In an event log, sort-merge and shuffled hash joins whose plan says how much data each side shuffled: one side
        small enough to broadcast, the other many times larger. The join type decides which side may be broadcast. The
        gain removes the shuffle of the large side from the stages: fetching, sorting, and the CPU time of writing and
        reading it at an assumed speed, scaled by how much of their time these tasks get a CPU.
    How to fix it
        ``broadcast(small)``, a larger ``spark.sql.autoBroadcastJoinThreshold``, or table statistics
        (``ANALYZE TABLE``), so that Spark knows the sizes.
    When to ignore it
        When the small side grows with the data and will soon no longer fit in memory.
    """

    id = "missed-broadcast"
    title = "A join shuffles a large table instead of broadcasting the small one"
    stage = "etl"
    explains = ("shuffle-bound", "huge-partition")
    ratio_threshold = 5.0  # larger side over the smaller one: else little is saved (own)
    min_large_bytes = 10 << 20  # less is shuffled in no time (own)
    share_threshold = 0.03  # of the run: what it saves at least
    bytes_per_cpu_second = 200e6  # of rows written to a shuffle, and again of those read from it (own measurement)

    def detect(self, spark: Spark) -> Outcome:
        joins = [join for query in spark.queries.values() for join in _joins(spark, query)]
        if not joins:
            return NotApplicable("No join is known to shuffle both of its tables.")
        missed = [join for join in joins if self._is_missed(join)]
        removed: dict[int, Floats] = {}
        stages: dict[int, Stage] = {}
        for join in missed:
            for stage in join.writing:
                self._take(removed, stages, stage, self._moving(join, join.writing, stage, 0.0))
            for stage in join.joining:
                moving = self._moving(join, join.joining, stage, join.sorting_seconds)
                self._take(removed, stages, stage, stage.ms("fetch_ms") + moving)
        changes = [(stages[number], left(stages[number], seconds)) for number, seconds in removed.items()]
        gain, replay = replayed(
            spark, changes, "without writing, fetching and sorting the large side", low=0.4, high=1.4, confidence=0.6
        )
        if gain.share < self.share_threshold:
            return Fine(gain.share, self.share_threshold, "share", "run time of shuffles that a broadcast would avoid")
        join = max(missed, key=lambda each: each.large)
        first = next(iter((*join.joining, *join.writing)))
        return self.finding(
            title=titled(self.title, first, f"{join.node.name} on {join.node.detail}"),
            location=place(first),
            evidence=(
                *evidence(spark, sorted(stages.values(), key=lambda each: -each.own_seconds)),
                Evidence("join", f"{join.node.name} on {join.node.detail}"),
                Evidence("data of the smaller side", int(join.small), "B"),
                Evidence("data of the larger side", int(join.large), "B"),
                Evidence("time sorting the larger side", join.sorting_seconds, "s"),
            ),
            gain=gain,
            replay=replay,
            fix=Fix(
                "Broadcast the smaller table to every executor",
                "from pyspark.sql import functions as F\n"
                'joined = large.join(F.broadcast(small), "key")\n'
                f'# or: spark.conf.set("spark.sql.autoBroadcastJoinThreshold", "{_megabytes(join)}m")',
                effort=1,
            ),
        )

    def _is_missed(self, join: _Join) -> bool:
        if join.large < max(self.min_large_bytes, self.ratio_threshold * join.small):
            return False
        return join.small < 10 * _MB or any(join.small < small and join.large > large for small, large in _LIMITS)

    def _moving(self, join: _Join, stages: list[Stage], stage: Stage, sorting: float) -> Floats:
        """Seconds of each task in which the large side is written, or read and sorted."""
        cpu = sum(float(each.ms("cpu_ms").sum()) for each in stages)
        waiting = sum(float(each.ms("run_ms").sum()) for each in stages) / max(cpu, 1e-9)
        seconds = (join.large / self.bytes_per_cpu_second) * waiting + sorting
        total = sum(float(each.seconds.sum()) for each in stages)
        found: Floats = stage.seconds * min(0.8, seconds / max(total, 1e-9))
        return found

    @staticmethod
    def _take(removed: dict[int, Floats], stages: dict[int, Stage], stage: Stage, seconds: Floats) -> None:
        number = stage.fact.number
        stages[number] = stage
        removed[number] = np.minimum(removed.get(number, np.zeros(len(seconds))) + seconds, stage.seconds)


def _megabytes(join: _Join) -> int:
    """Of a threshold that lets the smaller side be sent."""
    return max(10, int(2 * join.small) // _MB)


def _joins(spark: Spark, query: SparkQuery) -> list[_Join]:
    """The joins of a query whose two sides are shuffled, with a side that may be sent."""
    found = []
    for index, node in enumerate(query.nodes):
        kind = re.search(r"\((\w+)\)$", node.detail)
        below = children(query, index)
        if not _JOIN.search(node.name) or len(below) != 2 or kind is None or kind[1] not in _SIDES:
            continue
        sides = [exchange_below(query, side) for side in below]
        if None in sides:
            continue
        sizes = [query.nodes[side].values.get(_SIZE, -1.0) for side in sides if side is not None]
        small = min(range(2), key=lambda side: sizes[side])
        if min(sizes) < 0 or small not in _SIDES[kind[1]]:
            continue
        large = sides[1 - small]
        assert large is not None
        joining = stages_of(spark, query, index)
        writing = [stage for stage in stages_of(spark, query, large) if stage not in joining]
        sorting = _sorting(query, below[1 - small])
        if joining or writing:
            found.append(_Join(node, sizes[small], sizes[1 - small], joining, writing, sorting))
    return found


def _sorting(query: SparkQuery, index: int) -> float:
    """Seconds of all tasks sorting one side, down to its exchange."""
    seconds = 0.0
    while not query.nodes[index].name.startswith(("Exchange", "ReusedExchange")):
        seconds += query.nodes[index].values.get("sort time", 0.0)
        below = children(query, index)
        if len(below) != 1:
            break
        index = below[0]
    return seconds
