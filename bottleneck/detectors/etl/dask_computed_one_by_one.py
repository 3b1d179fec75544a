"""Results of one lazy Dask collection are computed one by one, and the same tasks run for each."""

from __future__ import annotations

from ...artifacts.etl.dask import Dask, Graph
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.laws import gain
from ...recording.facts import Site
from ...recording.model import Recording
from .. import Detector
from .._common import location
from . import _shared


class DaskComputedOneByOne(Detector):
    """Several results of one lazy Dask collection are computed one by one, and each reads and prepares the data again.

    Why it matters
        A lazy collection holds no data. Every compute() runs all tasks that its result depends on, so the same files
        are read and parsed once for each result.
    How it is measured
        Each task is timed and its key is remembered. A task whose key already ran in an earlier graph, or that reads
        the same part of the same source again, is repeated work. The gain is the share of the graphs' wall time that
        such tasks take.
    How to fix it
        Compute the results in one call, dask.compute(a, b, c), or keep the prepared collection in memory:
        frame = frame.persist().
    When to ignore it
        When the collection does not fit in memory and the results cannot be computed together.
    """

    id = "dask-computed-one-by-one"
    title = "Results of one lazy Dask collection are computed one by one, and each reads and prepares the data again"
    stage = "etl"
    explains = ("csv-instead-of-parquet", "repeated-read", "residual-python", "input-wait")
    min_graphs = 3  # a collection that is computed twice is often a check
    share_threshold = 0.05  # of the run, in tasks that ran before
    kept_share = 0.7  # of the saving that remains if the one graph has to read more columns than each did (own)

    def detect(self, recording: Recording, dask: Dask) -> Outcome:
        groups = self._groups(dask)
        if not groups:
            return NotApplicable("No Dask collection was computed several times.")
        group = max(groups, key=lambda graphs: sum(graph.again_wall_seconds for graph in graphs))
        saved = sum(graph.again_wall_seconds for graph in group)
        share = saved / max(recording.wall_seconds, 1e-9)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time in Dask tasks that had run before")
        lines = {
            site: sum(graph.again_wall_seconds for graph in graphs) for site, graphs in dask.by_line(group).items()
        }
        site: Site | None = max(lines, key=lambda each: lines[each], default=None)
        source = dask.sources.get(group[0].sources[0]) if group[0].sources else None
        built = sum(graph.build_seconds for graph in group if graph.again_seconds)
        return self.finding(
            location=location(site),
            evidence=(
                Evidence("graphs of the same collection", sum(graph.count for graph in group), "count"),
                Evidence("time of these graphs", sum(graph.wall_seconds for graph in group), "s"),
                Evidence("time in tasks that had run before", saved, "s"),
                Evidence("share of the run", share, "share"),
                *(
                    (Evidence("source of the collection", f"{source.call} at {location(source.site)}"),)
                    if source is not None
                    else ()
                ),
                *_shared.alike(each for each in lines if each != site),
            ),
            gain=gain(
                saved,
                recording.wall_seconds,
                f"measured: {saved:.2f} s of the graphs' time in tasks that had run before",
                low_seconds=self.kept_share * saved,
                high_seconds=saved + built,
                confidence=0.8,
            ),
            fix=Fix(
                "Compute the results in one call, dask.compute(a, b, c), or keep the prepared collection in memory "
                "with frame = frame.persist() before the first compute()",
                "total, mean = dask.compute(frame.x.sum(), frame.y.mean())",
                effort=1,
            ),
            after="running each task once becomes the bottleneck",
            removes={"etl.read": saved} if source is not None else {},
        )

    def _groups(self, dask: Dask) -> list[list[Graph]]:
        """Graphs that have a source in common, and those of delayed calls, which have none."""
        found: dict[str | None, list[Graph]] = {}
        for graph in dask.graphs:
            if graph.tasks:
                for key in graph.sources or (None,):
                    found.setdefault(key, []).append(graph)
        groups = [graphs for graphs in found.values() if sum(graph.count for graph in graphs) >= self.min_graphs]
        return [graphs for graphs in groups if any(graph.again_seconds for graph in graphs)]
