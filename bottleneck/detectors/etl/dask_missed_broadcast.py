"""A large Dask frame is shuffled to be merged with a small one."""

from __future__ import annotations

from ...artifacts.etl.dask import Dask, Graph, Source
from ...artifacts.etl.dask_plans import Node, Plan
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.facts import Site
from ...recording.model import Recording
from .. import Detector
from .._common import location


class DaskMissedBroadcast(Detector):
    """A merge with a small table moves every row of the large one to another partition.

    Why it matters
        A shuffle writes all rows of both frames to the disk, or sends them between workers, and reads them again. A
        small table can be copied to each partition of the large one instead, which then stays where it is.
    How it is measured
        The tasks that move rows are timed. The small frame's size is that of the table or files it is made from. The
        gain is the share of the graph's wall time that these tasks take; if the graph moves rows for other operations,
        too, the merge is charged an equal part.
    How to fix it
        Merge with a pandas table, or with a frame of one partition: large.merge(small.compute(), on=key). With several
        partitions, ask for it: large.merge(small, on=key, broadcast=True).
    When to ignore it
        When the small frame grows with the data, or does not fit in the memory of each worker.
    """

    id = "dask-missed-broadcast"
    title = "A merge with a small Dask frame shuffles the large one"
    stage = "etl"
    judges_work = False  # that no merge is like this says nothing of the rest
    explains = ("dask-needless-shuffle", "residual-python")
    small_bytes = 100e6  # of the small side, at most [dataflint: a broadcast up to 100 MB]
    times = 10  # the large side is at least so much larger, where its size is known
    share_threshold = 0.05  # of the run, that no shuffle would save

    def detect(self, recording: Recording, dask: Dask) -> Outcome:
        merges: dict[Site, list[tuple[Graph, Node, int, float]]] = {}
        unknown = False
        for graph in dask.graphs:
            for number in [] if graph.plan is None or not graph.shuffle_seconds else graph.plan.movers():
                assert graph.plan is not None
                node = graph.plan.nodes[number]
                if node.kind != "Merge" or node.site is None or "True" in node.details.get("broadcast", ()):
                    continue
                size = self._small(graph.plan, node, dask)
                unknown |= size is None
                if size:
                    part = 1.0 / len(graph.plan.movers())
                    merges.setdefault(node.site, []).append((graph, node, size, part))
        if not merges:
            if unknown:
                return NotMeasured("The sizes of the frames that are merged are not known.")
            return Fine(0.0, self.share_threshold, "share", "run time in merges that shuffle for a small Dask frame")
        prices = {site: self._price(found, recording) for site, found in merges.items()}
        worst = max(prices, key=lambda site: prices[site].seconds)
        price, found = prices[worst], merges[worst]
        if price.share < self.share_threshold:
            return Fine(price.share, self.share_threshold, "share", "run time that merges without a shuffle would save")
        graph, node, size, _ = found[0]
        return self.finding(
            location=location(worst),
            evidence=(
                Evidence("size of the small side", size, "B"),
                Evidence("kind of merge", (node.details.get("how") or ["inner"])[0]),
                Evidence("work of the tasks that move rows", sum(each[0].shuffle_seconds for each in found), "s"),
                Evidence("work of all tasks", sum(each[0].work_seconds for each in found), "s"),
                Evidence("time of these graphs", sum(each[0].wall_seconds for each in found), "s"),
                Evidence("share of the run", price.share, "share"),
                Evidence("line that computes them", str(location(graph.site))),
            ),
            gain=price,
            fix=Fix(
                "Merge with the small table as a pandas DataFrame, or as a Dask frame of one partition; or pass "
                "broadcast=True",
                "joined = large.merge(small.compute(), on=key)  # small: a pandas table, copied to each partition",
                effort=1,
            ),
            after="the tasks that read and merge become the bottleneck",
        )

    def _small(self, plan: Plan, node: Node, dask: Dask) -> int | None:
        """Bytes of the side that could be copied; 0 if there is none, None if the sizes are not known."""
        if len(node.needs) < 2:
            return 0
        sides = [_size([dask.sources.get(name) for name in plan.sources(each)]) for each in node.needs[:2]]
        how = (node.details.get("how") or ["inner"])[0]
        may = {"inner": (0, 1), "left": (1,), "right": (0,)}.get(how, ())
        known = [side for side in may if sides[side] is not None]
        if may and not known:
            return None
        for side in known:
            size, other = sides[side] or 0, sides[1 - side]
            if 0 < size <= self.small_bytes and (other is None or other >= self.times * size):
                return size
        return 0

    def _price(self, found: list[tuple[Graph, Node, int, float]], recording: Recording) -> Gain:
        moved = sum(part * graph.shuffle_wall_seconds for graph, _, _, part in found)
        rest = sum(part * (graph.run_seconds - graph.shuffle_wall_seconds) for graph, _, _, part in found)
        built = sum(part * graph.build_seconds for graph, _, _, part in found)
        return gain(
            moved + 0.15 * rest,
            recording.wall_seconds,
            f"{moved:.2f} s of the graphs' time in tasks that move rows between partitions",
            low_seconds=0.7 * moved,
            high_seconds=moved + 0.4 * rest + 0.3 * built,  # also what finds each row's partition
            confidence=0.7,
        )


def _size(sources: list[Source | None]) -> int | None:
    """Bytes of tables or files; None if one of them is not known."""
    sizes = [None if source is None else source.size_bytes for source in sources]
    return None if not sizes or None in sizes else sum(size or 0 for size in sizes)
