"""A Dask graph holds large data, which goes to the workers with its tasks."""

from __future__ import annotations

from ...artifacts.etl.dask import Dask, Graph
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotApplicable, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector
from .._common import location


class DaskLargeGraph(Detector):
    """A graph is large because tables or arrays of the program are part of it, and each task carries its own copy.

    Why it matters
        An object that is passed to a delayed function or to map() is pickled into the graph, sent to the scheduler,
        and from there to a worker with each task that takes it. The workers wait for the copies.
    How it is measured
        The graph's size is that of the message in which the client sends it. The gain is the graph's time beyond what
        its tasks took on the workers, less the part of it that sends each worker one copy. Graphs that are large
        because they have many tasks are judged by dask-tiny-tasks.
    How to fix it
        Read the data inside the tasks (read_parquet, read_csv, or a function that loads its own part), or send it to
        the workers once with client.scatter(data, broadcast=True) and pass the future.
    When to ignore it
        When the data exists in this program alone, and each part of it goes to one task.
    """

    id = "dask-large-graph"
    title = "A Dask graph carries large data, which is sent to the workers with its tasks"
    stage = "etl"
    judges_work = False  # that a graph is small says nothing of its tasks
    explains = ("residual-python",)
    min_bytes = 10e6  # of a graph, as it is sent [dask/distributed: warns above that]
    min_task_bytes = 10e3  # of the graph for each task: with less, it is large because it has many
    share_threshold = 0.05  # of the run, that small graphs would save

    def detect(self, recording: Recording, dask: Dask) -> Outcome:
        sent = [graph for graph in dask.graphs if graph.sent_bytes and graph.tasks]
        if not sent:
            return NotApplicable("No Dask graph was sent to a cluster.")
        large = [
            graph
            for graph in sent
            if graph.sent_bytes >= self.min_bytes * graph.count
            and graph.sent_bytes >= self.min_task_bytes * graph.tasks
        ]
        if not large:
            most = max(graph.sent_bytes / graph.count for graph in sent)
            return Fine(most, self.min_bytes, "bytes", "size of a Dask graph, as it is sent")
        lines = dask.by_line(large)
        prices = {site: self._price(graphs, recording) for site, graphs in lines.items()}
        worst = max(prices, key=lambda site: prices[site].seconds, default=None)
        if worst is None or prices[worst].share < self.share_threshold:
            share = 0.0 if worst is None else prices[worst].share
            return Fine(share, self.share_threshold, "share", "run time that small Dask graphs would save")
        graphs = lines[worst]
        return self.finding(
            location=location(worst),
            evidence=(
                Evidence("size of the graphs", sum(graph.sent_bytes for graph in graphs), "B"),
                Evidence("graphs", sum(graph.count for graph in graphs), "count"),
                Evidence("tasks", sum(graph.tasks for graph in graphs), "count"),
                Evidence("work of the tasks", sum(graph.work_seconds for graph in graphs), "s"),
                Evidence("workers", max(graph.workers for graph in graphs), "count"),
                Evidence("time of these graphs", sum(graph.wall_seconds for graph in graphs), "s"),
                Evidence(
                    "share of the run", sum(graph.wall_seconds for graph in graphs) / recording.wall_seconds, "share"
                ),
            ),
            gain=prices[worst],
            fix=Fix(
                "Read the data inside the tasks, or send it once to each worker with client.scatter(data, "
                "broadcast=True) and pass what that returns",
                "shared = client.scatter(table, broadcast=True)\n"
                "results = dask.compute(*[dask.delayed(work)(shared, part) for part in parts])",
                effort=1,
            ),
            after="the work of the tasks becomes the bottleneck",
        )

    def _price(self, graphs: list[Graph], recording: Recording) -> Gain:
        waiting = built = slowed = 0.0
        for graph in graphs:
            busy = max(graph.work_seconds / max(graph.workers, 1), graph.chain_seconds)
            copies = min(1.0, max(graph.processes, 1) / graph.tasks)  # one to each worker remains
            waiting += (1.0 - copies) * max(0.0, graph.run_seconds - busy)
            built += graph.build_seconds
            slowed += (1.0 - copies) * min(busy, graph.run_seconds)
        slowed = min(slowed, waiting)  # to unpack the copies slows the tasks that run meanwhile
        return gain(
            waiting + 0.5 * slowed,
            recording.wall_seconds,
            f"{waiting:.2f} s in which the workers waited for tasks and what they carry",
            low_seconds=0.6 * waiting,
            high_seconds=waiting + built + slowed,
            confidence=0.8,
        )
