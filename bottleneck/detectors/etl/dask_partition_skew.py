"""One task of a Dask graph takes most of its time, while the other workers have nothing to do."""

from __future__ import annotations

from ...artifacts.etl.dask import Cores, Dask, Graph
from ...artifacts.run.machine import Machine
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotApplicable, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector
from .._common import location

_READ = ("read", "from-map", "from_map", "from-delayed")
_ONE = "Read in blocks (blocksize, several files or Parquet), or call repartition(npartitions=2 * cores) after the read"
_LARGE = (
    "Split the large partition: repartition(partition_size='100MB'), smaller blocks or files, or spread a hot key over "
    "several partitions"
)


class DaskPartitionSkew(Detector):
    """One partition takes much longer than the others, or is the only one, and the graph waits for it.

    Why it matters
        A graph ends with its longest chain of tasks. While one worker processes a large partition, the others are idle.
    How it is measured
        Each task is timed. The longest task of a graph is compared with the mean of its kind; a graph that reads a
        single partition has only one. The gain assumes the same work in equal parts on all workers, and the cores
        that concurrent tasks of this run kept busy.
    How to fix it
        Read in blocks (blocksize, several files, Parquet row groups), or repartition after the read, so that there are
        a few partitions for each core; spread a hot key over several partitions.
    When to ignore it
        When the long task cannot be split, such as one group that must be processed as a whole.
    """

    id = "dask-partition-skew"
    title = "One Dask partition takes most of the time of its graph, and the other workers wait"
    stage = "etl"
    judges_work = False  # that a graph is cut well says nothing of its tasks
    skew = 3.16  # longest to mean of its kind [Dr. Elephant: severe]
    min_seconds = 1.0  # of the longest task: less is no table worth cutting
    chain_share = 0.7  # of the graph's time, in the chain of tasks that it is part of
    share_threshold = 0.05  # of the run, that equal parts would save

    def detect(self, recording: Recording, dask: Dask, machine: Machine) -> Outcome:
        graphs = [graph for graph in dask.graphs if graph.count == 1 and graph.workers > 1 and graph.tasks]
        if not graphs:
            return NotApplicable("No Dask graph ran on several workers.")
        uneven = [graph for graph in graphs if self._uneven(graph)]
        priced = [(self._price(graph, dask.cores(machine), recording), graph) for graph in uneven]
        price, worst = max(priced, key=lambda each: each[0].seconds, default=(None, None))
        if price is None or worst is None or price.share < self.share_threshold:
            share = 0.0 if price is None else price.share
            return Fine(share, self.share_threshold, "share", "run time that equal Dask partitions would save")
        alone = worst.alike == 1
        source = next((dask.sources[name] for name in worst.sources if name in dask.sources), None)
        place = source.site if alone and source is not None and source.site is not None else worst.site
        return self.finding(
            title="Dask has one partition to work on, so one worker works and the others wait" if alone else self.title,
            location=location(place),
            evidence=(
                Evidence("time of the longest task", worst.longest_seconds, "s"),
                Evidence("kind of the longest task", worst.longest_of),
                Evidence("tasks of this kind", worst.alike, "count"),
                Evidence("mean time of a task of this kind", worst.alike_seconds / max(worst.alike, 1), "s"),
                Evidence("time of the graph", worst.wall_seconds, "s"),
                Evidence("share of the run", worst.wall_seconds / max(recording.wall_seconds, 1e-9), "share"),
                Evidence("workers", worst.workers, "count"),
            ),
            gain=price,
            fix=Fix(
                _ONE if alone else _LARGE,
                "frame = frame.repartition(npartitions=2 * os.cpu_count())",
                effort=1 if alone else 2,
            ),
            after="the rest of the graph becomes the bottleneck",
        )

    def _uneven(self, graph: Graph) -> bool:
        if graph.longest_seconds < self.min_seconds or graph.chain_seconds < self.chain_share * graph.run_seconds:
            return False
        if graph.alike == 1:
            return graph.reads == 1 and graph.longest_of.startswith(_READ)
        return graph.longest_seconds > self.skew * (graph.alike_seconds - graph.longest_seconds) / (graph.alike - 1)

    def _price(self, graph: Graph, cores: Cores, recording: Recording) -> Gain:
        def saved(busy: float) -> float:
            spread = max(graph.cpu_seconds / busy, graph.work_seconds / graph.workers)
            return max(0.0, graph.run_seconds - max(spread, graph.chain_seconds - graph.longest_seconds))

        return gain(
            saved(cores.usual),
            recording.wall_seconds,
            f"{graph.run_seconds:.2f} s of the graph against its {graph.work_seconds:.2f} s of work in equal parts on "
            f"{graph.workers} workers, of which {cores.usual:.1f} compute at a time",
            low_seconds=saved(cores.low),
            high_seconds=saved(cores.high),
            confidence=0.8 if cores.high < 1.6 * cores.low else 0.6,
        )
