"""Dask moves all rows between partitions, for an order or for groups that the results do not need."""

from __future__ import annotations

from ...artifacts.etl.dask import Dask, Graph
from ...artifacts.etl.dask_plans import ORDERS, Node, Plan
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Outcome
from ...diagnosis.laws import gain
from ...recording.facts import Site
from ...recording.model import Recording
from .. import Detector
from .._common import location

_APPLIED = "A Dask groupby applies a function that only reduces columns, and shuffles all rows for it"
_FIXES = {
    True: Fix(
        "Aggregate with agg() and combine the aggregated columns: each partition is then reduced where it is",
        "ranges = frame.groupby('key')['value'].agg(['max', 'min'])\nspread = ranges['max'] - ranges['min']",
        effort=2,
    ),
    False: Fix(
        "Leave out set_index() or sort_values(): sums, means and counts, of all rows or by group, need no order. If an "
        "order is needed once, write the data sorted and read that",
        "totals = frame.groupby('user')['amount'].sum()  # without set_index before it",
        effort=1,
    ),
}


class DaskNeedlessShuffle(Detector):
    """Rows are moved between partitions, to be sorted or grouped, for results that do not need it.

    Why it matters
        A shuffle writes every row to the disk or sends it to another worker, and reads it again. Before it, Dask reads
        the data once more to find out how to divide the index.
    How it is measured
        The expression that is computed is followed from set_index() or sort_values() to its results: if all of them are
        reductions or aggregations by columns, the order changes nothing. A function given to groupby().apply() is read
        in the source: if it returns only reductions of columns, agg() does the same without a shuffle. The gain is the
        share of the graphs' wall time in tasks that move rows, and the graphs that found out the divisions.
    How to fix it
        Remove set_index() or sort_values(), or aggregate with agg(). Data that needs its order in every run is better
        written once, sorted or partitioned, to Parquet.
    When to ignore it
        When a later step of the program, which this run did not reach, needs the index.
    """

    id = "dask-needless-shuffle"
    title = "Dask shuffles all rows for an order that no result needs"
    stage = "etl"
    judges_work = False  # that the shuffles are needed says nothing of the rest
    explains = ("residual-python", "row-wise-python", "groupby-python-function")
    share_threshold = 0.05  # of the run, that no shuffle would save
    by_group = (0.0, 0.6, 0.95)  # of the other work, which agg() does in compiled code [own: 0.5 to 0.9]

    def detect(self, recording: Recording, dask: Dask) -> Outcome:
        moved = [graph for graph in dask.graphs if graph.plan is not None and graph.shuffle_seconds]
        needed = {node.site for graph in moved for node, needless in _judged(graph.plan) if not needless}
        found: dict[Site, list[tuple[Graph, Node]]] = {}
        for graph in moved:
            for node, needless in _judged(graph.plan):
                if needless and node.site is not None and node.site not in needed:
                    found.setdefault(node.site, []).append((graph, node))
        prices = {site: self._price(each, recording) for site, each in found.items()}
        worst = max(prices, key=lambda site: prices[site].seconds, default=None)
        if worst is None or prices[worst].share < self.share_threshold:
            share = 0.0 if worst is None else prices[worst].share
            return Fine(share, self.share_threshold, "share", "run time in Dask shuffles that no result needs")
        graph, node = found[worst][0]
        graphs = [each for each, _ in found[worst]]
        return self.finding(
            title=_APPLIED if node.reduces else self.title,
            location=location(worst),
            evidence=(
                Evidence("work of the tasks that move rows", sum(each.shuffle_seconds for each in graphs), "s"),
                Evidence("work of all tasks", sum(each.work_seconds for each in graphs), "s"),
                Evidence("time to find the divisions", sum(each.planning_seconds for each in graphs), "s"),
                Evidence("time of these graphs", sum(each.wall_seconds for each in graphs), "s"),
                Evidence(
                    "share of the run", sum(each.wall_seconds for each in graphs) / recording.wall_seconds, "share"
                ),
                Evidence("line that computes them", str(location(graph.site))),
            ),
            gain=prices[worst],
            fix=_FIXES[node.reduces],
            after="the tasks that read and aggregate become the bottleneck",
        )

    def _price(self, found: list[tuple[Graph, Node]], recording: Recording) -> Gain:
        shuffled = planned = rest = built = 0.0
        for graph, _ in found:
            part = 1.0 / len(graph.plan.movers()) if graph.plan is not None else 0.0
            shuffled += part * graph.shuffle_wall_seconds
            planned += part * graph.planning_seconds
            built += part * graph.build_seconds
            rest += part * max(0.0, graph.run_seconds - graph.planning_seconds - graph.shuffle_wall_seconds)
        low, usual, high = self.by_group if found[0][1].reduces else (0.0, 0.15, 0.4)
        return gain(
            shuffled + planned + usual * rest,
            recording.wall_seconds,
            f"{shuffled:.2f} s of the graphs' time in tasks that move rows, and {planned:.2f} s to find the divisions",
            low_seconds=0.7 * (shuffled + planned) + low * rest,
            high_seconds=shuffled + planned + high * rest + 0.3 * built,
            confidence=0.7,
        )


def _judged(plan: Plan | None) -> list[tuple[Node, bool]]:
    """Each operation that moves rows, and whether no result needs that."""
    if plan is None:
        return []
    return [
        (node, (node.kind in ORDERS and plan.unordered(number)) or (node.kind == "GroupByApply" and node.reduces))
        for number in plan.movers()
        for node in (plan.nodes[number],)
    ]
