"""A loop computes one Dask graph after another, although their tasks could run side by side."""

from __future__ import annotations

from ...artifacts.etl.dask import PROCESSES, Cores, Dask, Graph
from ...artifacts.run.machine import Machine
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector
from .._common import location
from . import _shared


class DaskComputeInLoop(Detector):
    """One line computes a Dask graph in each pass of a loop, and waits for it before the next one begins.

    Why it matters
        The tasks of one pass cannot run beside those of the next, so workers stand idle whenever a graph has fewer
        tasks than there are workers. Each graph is also optimised and sent separately, and tasks they share run again.
    How it is measured
        Each call of compute() is timed, with the wall and CPU time of its tasks. The gain is the time of all graphs of
        the line, less the time that the same tasks take on all workers at once: their CPU time divided by the cores
        that concurrent tasks of this run kept busy, and at least the longest chain of dependent tasks. Loops whose
        passes need the result of an earlier pass are not named.
    How to fix it
        Collect the lazy results in a list and compute them together: dask.compute(*results).
    When to ignore it
        When the results do not fit in memory together; then compute them in chunks of a few dozen.
    """

    id = "dask-compute-in-loop"
    title = "Each pass of a loop computes a separate Dask graph and waits for it"
    stage = "etl"
    explains = ("residual-python", "input-wait")
    min_graphs = 5  # of one line: below that the loop is no loop worth a change
    share_threshold = 0.05  # of the run, that computing all graphs at once would save
    again_share = 0.5  # of the work that had run before: then that is the cause (dask-computed-one-by-one)
    build_saved_share = 0.5  # of the time to build the graphs, which one graph saves [own: 0.2 to 0.8]

    def detect(self, recording: Recording, dask: Dask, machine: Machine) -> Outcome:
        computed = [graph for graph in dask.graphs if graph.how == "compute" and graph.tasks]
        loops = {
            site: graphs
            for site, graphs in dask.by_line(computed).items()
            if sum(graph.count for graph in graphs) >= self.min_graphs and not self._again(graphs)
        }
        if not loops:
            return NotApplicable("No line computes several Dask graphs that do different work.")
        cores = dask.cores(machine)
        known = {site: graphs for site, graphs in loops.items() if site in dask.lines}
        apart = {site: graphs for site, graphs in known.items() if dask.lines[site].independent}
        priced = {site: self._price(graphs, cores, recording) for site, graphs in apart.items()}
        worst = max(priced, key=lambda site: priced[site].seconds, default=None)
        if worst is None or priced[worst].share < self.share_threshold:
            unknown = [graphs for site, graphs in loops.items() if site not in known]
            if any(self._price(graphs, cores, recording).share >= self.share_threshold for graphs in unknown):
                return NotMeasured("The source of a line that computes many Dask graphs could not be read.")
            share = 0.0 if worst is None else priced[worst].share
            return Fine(share, self.share_threshold, "share", "run time that one graph instead of many would save")
        graphs = apart[worst]
        count = sum(graph.count for graph in graphs)
        others = [site for site in priced if site != worst and priced[site].share >= self.share_threshold]
        return self.finding(
            location=location(worst),
            evidence=(
                Evidence("graphs computed one after another", count, "count"),
                Evidence("time of these graphs", _sum(graphs, "wall_seconds"), "s"),
                Evidence("share of the run", _sum(graphs, "wall_seconds") / max(recording.wall_seconds, 1e-9), "share"),
                Evidence("tasks per graph", round(_sum(graphs, "tasks") / count, 1), "count"),
                Evidence("tasks that run at a time", _at_a_time(graphs)),
                Evidence("workers", max(graph.workers for graph in graphs), "count"),
                *_shared.other_lines(worst, {site: priced[site].seconds for site in others}),
            ),
            gain=priced[worst],
            fix=Fix(
                "Collect the lazy results and compute them together with dask.compute(*results); if they do not fit in "
                "memory at once, in chunks",
                "results = [work(part) for part in parts]  # lazy: nothing runs yet\nresults = dask.compute(*results)",
                effort=1,
            ),
            after="the tasks themselves, on all workers, become the bottleneck",
        )

    def _again(self, graphs: list[Graph]) -> bool:
        return _sum(graphs, "again_seconds") > self.again_share * _sum(graphs, "work_seconds")

    def _price(self, graphs: list[Graph], cores: Cores, recording: Recording) -> Gain:
        wall, run = _sum(graphs, "wall_seconds"), _sum(graphs, "run_seconds")
        new = 1.0 - _sum(graphs, "again_seconds") / max(_sum(graphs, "work_seconds"), 1e-9)
        work, cpu = new * _sum(graphs, "work_seconds"), new * _sum(graphs, "cpu_seconds")
        workers = max(1, *(graph.workers for graph in graphs))
        chain = max(graph.chain_seconds / graph.count for graph in graphs)
        start = min(_idle(graph) for graph in graphs if graph.tasks)  # of a pool of processes, which each graph starts

        def saved(busy: float, build: float) -> float:
            together = start + max(cpu / busy, work / workers, chain)
            return max(0.0, run - together) + build * max(0.0, wall - run)

        return gain(
            saved(cores.usual, self.build_saved_share),
            recording.wall_seconds,
            f"{run:.2f} s of graphs one after another against their tasks, {work:.2f} s ({cpu:.2f} s of CPU), on "
            f"{workers} workers at once, of which {cores.usual:.1f} compute at a time",
            low_seconds=saved(cores.low, 0.0),
            high_seconds=saved(cores.high, 1.0),
            confidence=0.8 if cores.high < 1.6 * cores.low else 0.6,
        )


def _idle(graph: Graph) -> float:
    """Seconds of one graph in which none of its processes ran a task; of threads, which start at once, none."""
    if graph.scheduler != PROCESSES:
        return 0.0
    return max(0.0, graph.run_seconds - graph.work_seconds / max(graph.workers, 1)) / graph.count


def _sum(graphs: list[Graph], name: str) -> float:
    return float(sum(getattr(graph, name) for graph in graphs))


def _at_a_time(graphs: list[Graph]) -> float:
    return round(_sum(graphs, "work_seconds") / max(_sum(graphs, "run_seconds"), 1e-9), 1)
