"""Dask's workers run out of memory, and write results to the disk, pause or start anew."""

from __future__ import annotations

from ...artifacts.etl.dask import Dask, Graph
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotApplicable, Outcome
from ...diagnosis.laws import gain
from ...recording.intervals import seconds_of, spans_of, union
from ...recording.model import Recording
from .. import Detector
from .._common import location

_SMALLER = (
    "Use smaller partitions, so that a worker holds several for each of its threads: chunks or blocksize of a tenth of "
    "its memory, or repartition(partition_size='100MB')"
)
_LESS = (
    "Keep less in memory: select columns and rows before persist(), leave out persist() for what is used once, and "
    "reduce each partition before the next one is read; or give the workers more memory"
)


class DaskSpill(Detector):
    """Results do not fit in the memory of the workers, which write them to the disk, pause, or are started anew.

    Why it matters
        From 60 % of its limit on, a Dask worker writes results to the disk and reads them again; at 80 % it starts no
        further task, and at 95 % it is killed and all its results are computed again.
    How it is measured
        The workers report their memory and what they have written to the disk; the scheduler sees workers that leave.
        The gain is the time of such graphs in which the workers ran no task, beyond the longest chain of tasks that
        need each other. Part of it may have other reasons, so the range is wide.
    How to fix it
        Use smaller partitions, persist less, aggregate earlier, or give the workers more memory (memory_limit, fewer
        threads per worker).
    When to ignore it
        When the data cannot be smaller, and the disk is the intended place for it.
    """

    id = "dask-spill"
    title = "Dask workers run out of memory and move results to the disk"
    stage = "etl"
    judges_work = False  # that the data fits says nothing of the work
    spilled_share = 0.2  # of what the graph's tasks left, on the disk [own]: less costs little
    memory_share = 0.8  # of a worker's limit, at which it pauses [dask/distributed]
    huge_share = 0.1  # of a worker's memory, in one result: then partitions are too large [own]
    share_threshold = 0.05  # of the run, in which the workers of such graphs ran no task

    def detect(self, recording: Recording, dask: Dask) -> Outcome:
        graphs = [graph for graph in dask.graphs if graph.processes and graph.tasks]
        if not graphs:
            return NotApplicable("No Dask graph ran on a cluster.")
        short = [graph for graph in graphs if self._short(graph)]
        price = self._price(short, recording)
        if not short or price.share < self.share_threshold:
            most = max(graph.memory_share for graph in graphs)
            if not short:
                return Fine(most, self.memory_share, "share", "memory of the fullest Dask worker")
            return Fine(price.share, self.share_threshold, "share", "run time that Dask workers waited for memory")
        worst = max(short, key=lambda graph: _idle([graph]))
        lost = sum(graph.lost for graph in short)
        huge = worst.most_bytes > self.huge_share * worst.limit_bytes > 0
        source = next((dask.sources[name] for name in worst.sources if name in dask.sources), None)
        return self.finding(
            title="Dask workers run out of memory and are started anew, and their results are computed again"
            if lost
            else self.title,
            location=location(worst.site),
            evidence=(
                Evidence("moved to the disk at most", max(graph.spilled_bytes for graph in short), "B"),
                Evidence("fullest worker, of its limit", max(graph.memory_share for graph in short), "share"),
                *((Evidence("workers started anew", lost, "count"),) if lost else ()),
                Evidence("largest result of a task", max(graph.most_bytes for graph in short), "B"),
                Evidence("memory limit of a worker", worst.limit_bytes, "B"),
                Evidence("work of the tasks", sum(graph.work_seconds for graph in short), "s"),
                Evidence("time of these graphs", _wall(short), "s"),
                Evidence(
                    "share of the run", sum(each.wall_seconds for each in short) / recording.wall_seconds, "share"
                ),
                *((Evidence("source of the data", f"{source.call} at {location(source.site)}"),) if source else ()),
            ),
            gain=price,
            fix=Fix(
                _SMALLER if huge else _LESS,
                "frame = frame.repartition(partition_size='100MB')"
                if huge
                else "frame = frame[['key', 'value']].persist()  # the columns that are used, and no others",
                effort=2,
            ),
            after="the work of the tasks becomes the bottleneck",
        )

    def _short(self, graph: Graph) -> bool:
        kept = graph.spilled_bytes > self.spilled_share * max(graph.result_bytes, 1)
        return kept or (graph.lost > 0 and graph.memory_share >= self.memory_share)

    def _price(self, graphs: list[Graph], recording: Recording) -> Gain:
        idle = _idle(graphs)
        disk = sum(graph.disk_seconds / max(graph.workers, 1) for graph in graphs)
        slowed = 0.5 * min(idle, sum(graph.work_seconds / max(graph.workers, 1) for graph in graphs))
        return gain(
            idle + disk,
            recording.wall_seconds,
            f"{idle:.2f} s in which the workers ran no task, and {disk:.2f} s of reading results from the disk",
            low_seconds=0.4 * idle + disk,
            high_seconds=idle + disk + slowed,  # to pack and unpack results slows the tasks that run meanwhile
            confidence=0.6,
        )


def _idle(graphs: list[Graph]) -> float:
    """Seconds of graphs, which may run at the same time, that their tasks do not explain."""
    work = sum(graph.work_seconds / max(graph.workers, 1) for graph in graphs)
    chain = max((graph.chain_seconds for graph in graphs), default=0.0)
    return max(0.0, _wall(graphs) - max(work, chain))


def _wall(graphs: list[Graph]) -> float:
    return seconds_of(union([spans_of([graph.t0 for graph in graphs], [graph.t1 for graph in graphs])]))
