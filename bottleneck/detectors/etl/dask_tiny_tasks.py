"""A Dask graph has so many short tasks that handling them takes longer than running them."""

from __future__ import annotations

from ...artifacts.etl.dask import Dask, Graph
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector
from .._common import location


class DaskTinyTasks(Detector):
    """A Dask graph has thousands of short tasks, and the scheduler's own work for each takes most of the time.

    Why it matters
        Each task costs the scheduler the same, about 0.1 ms with threads and 1 ms on a cluster, however little it does.
    How it is measured
        Each task is timed. The graph's time beyond what its tasks take on all workers (at least the longest chain of
        dependent tasks), divided by their number, is the scheduler's time per task. The gain assumes a graph with a
        few tasks per worker. It saves the scheduler's time, and up to 2 ms of CPU time that a task on a table costs
        however small the table is.
    How to fix it
        Use fewer, larger partitions: blocksize or chunks of about 100 MB, from_pandas(npartitions=2 * cores), or
        batches of items per task.
    When to ignore it
        When the data is so large that the partitions cannot be larger.
    """

    id = "dask-tiny-tasks"
    title = "A Dask graph has so many short tasks that scheduling them takes longer than running them"
    stage = "etl"
    judges_work = False  # that a graph is cut well says nothing of its tasks
    min_tasks = 1000  # of the graphs of one line [dataflint: 5,000 of a Spark job]
    max_task_seconds = 0.1  # mean; longer tasks outweigh their overhead [dask documentation]
    tasks_per_worker = 4  # of the graph that the gain is computed with
    fixed_seconds = 0.002  # of CPU in a task, however small its data is, at most [own: 0.05 to 2 ms with pandas]
    import_seconds = 0.3  # in which the first graph has Dask import the rest of itself [own: 0.1 to 0.3]
    share_threshold = 0.05  # of the run, that fewer tasks would save

    def detect(self, recording: Recording, dask: Dask) -> Outcome:
        lines = dask.by_line(dask.graphs)
        many = {
            site: graphs
            for site, graphs in lines.items()
            if _sum(graphs, "tasks") >= self.min_tasks
            and _sum(graphs, "work_seconds") < self.max_task_seconds * _sum(graphs, "tasks")
        }
        if not many:
            short = [graph.tasks for graph in dask.graphs if graph.work_seconds < self.max_task_seconds * graph.tasks]
            return Fine(max(short, default=0), self.min_tasks, "count", "short tasks of one Dask graph")
        saved = {site: self._saved(graphs) for site, graphs in many.items()}
        worst = max(saved, key=lambda site: saved[site][1])
        low, usual, high = saved[worst]
        graphs, share = many[worst], usual / max(recording.wall_seconds, 1e-9)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time that fewer and longer Dask tasks would save")
        tasks = int(_sum(graphs, "tasks"))
        names = dict.fromkeys(name for graph in graphs for name in graph.sources)
        source = next((dask.sources[name] for name in names if name in dask.sources), None)
        overhead = max(0.0, _sum(graphs, "run_seconds") - _least(graphs))
        return self.finding(
            location=location((source and source.site) or worst),
            evidence=(
                Evidence("tasks", tasks, "count"),
                Evidence("mean time of a task", _sum(graphs, "work_seconds") / tasks, "s"),
                Evidence("scheduler's time per task", overhead / tasks, "s"),
                Evidence("time of these graphs", _sum(graphs, "wall_seconds"), "s"),
                Evidence("share of the run", _sum(graphs, "wall_seconds") / max(recording.wall_seconds, 1e-9), "share"),
                Evidence("line that computes them", str(location(worst))),
            ),
            gain=gain(
                usual,
                recording.wall_seconds,
                f"{_sum(graphs, 'wall_seconds'):.2f} s of {tasks} tasks against their work on all workers, "
                f"{_least(graphs):.2f} s, and {self.tasks_per_worker} tasks a worker",
                low_seconds=0.8 * low,
                high_seconds=high,
                confidence=0.6,
            ),
            fix=Fix(
                "Use fewer partitions of about 100 MB each: from_pandas(npartitions=2 * cores), "
                "read_csv(blocksize='64MB'), larger chunks, or repartition(partition_size='100MB')",
                "frame = dd.from_pandas(table, npartitions=2 * os.cpu_count())",
                effort=1,
            ),
            after="the work of the tasks becomes the bottleneck",
        )

    def _saved(self, graphs: list[Graph]) -> tuple[float, float, float]:
        """(at least, as a rule, at most): the scheduler's time goes; of the tasks' own, what each costs however small
        it is."""
        late = min(self.import_seconds, _sum(graphs, "build_seconds"))
        wall, least = _sum(graphs, "wall_seconds") - late, _least(graphs)
        fewer = min(1.0, self.tasks_per_worker * sum(graph.workers for graph in graphs) / _sum(graphs, "tasks"))
        fixed = min(1.0, self.fixed_seconds * _sum(graphs, "tasks") / max(_sum(graphs, "cpu_seconds"), 1e-9))
        scheduling = (1.0 - fewer) * max(0.0, wall - least)
        own = (1.0 - fewer) * min(wall, least)
        return scheduling, scheduling + 0.5 * fixed * own, scheduling + fixed * own


def _least(graphs: list[Graph]) -> float:
    """Seconds of the work on all workers, and of what cannot run side by side."""
    return sum(max(graph.work_seconds / max(graph.workers, 1), graph.chain_seconds / graph.count) for graph in graphs)


def _sum(graphs: list[Graph], name: str) -> float:
    return float(sum(getattr(graph, name) for graph in graphs))
