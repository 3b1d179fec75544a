"""Dask's distributed scheduler, where it runs in this process: what its tasks spent, counted as they end.

A plugin of the scheduler is told of every task that ends, with its times on the worker. Nothing is sent to workers.
"""

import atexit
import sys

from ...agent.recorder import now
from .dask_graphs import FLUSH_NS, MAX_KINDS, OTHERS, Call, of
from .dask_sums import Graph, Sums, reads

NAME = "bottleneck"
_MAX_CALLS = 10_000
_MAX_SAME = 100  # calls with one result that the scheduler has not got yet
_LOOK_NS = 200_000_000  # between two looks at the workers' memory
#: What a worker does for a task, by the names in its report; all else is the disk.
_COMPUTE, _TRANSFER, _DESERIALIZE = "compute", "transfer", "deserialize"


class ClusterGraph(Graph):
    """A graph that a scheduler in this process runs. Its sums are kept by the scheduler's thread alone."""

    cluster = True
    __slots__ = (
        "call", "deserialize", "disk", "left", "limit", "looked", "lost", "memory", "most", "processes", "results",
        "spilled", "transfer"
    )  # fmt: skip

    def __init__(self, workers, processes, leaf, call):
        Graph.__init__(self, workers, leaf)
        self.call, self.processes = call, processes
        self.left = self.transfer = self.deserialize = self.disk = self.most = self.spilled = 0
        self.memory = 0.0
        self.looked = self.limit = self.results = self.lost = 0
        self.threads[0] = Sums()

    def more(self, fields):
        for name, spent in (
            ("transfer_ns", self.transfer), ("deserialize_ns", self.deserialize), ("disk_ns", self.disk),
            ("result_bytes", self.results), ("lost", self.lost)
        ):  # fmt: skip
            fields[name] = fields.get(name, 0) + spent
        for name, most in (
            ("processes", self.processes), ("most_bytes", self.most), ("spilled_bytes", self.spilled),
            ("memory_share", self.memory), ("limit_bytes", self.limit)
        ):  # fmt: skip
            fields[name] = max(fields.get(name, 0), most)
        fields["scheduler"] = "cluster"

    def drop(self):
        Graph.drop(self)
        self.left = 0  # what failed or was cancelled does not end


class Cluster:
    """The graphs of the schedulers of this process. Get it with ``cluster_of(recorder)``."""

    def __init__(self, collector):
        self.collector = collector
        self.recorder = collector.recorder
        self.graphs = of(self.recorder)
        self.graphs.cluster = self
        self.sent = {}  # a key of a graph that a client sends -> its calls
        self.names = {}  # the beginning of a task's key -> the newest graph that has it
        self.kinds = {}  # key prefix -> [tasks, compute, transfer, deserialise, disk, bytes, longest, most bytes]
        self.flushed = now()
        self.running = {}  # graphs whose call does not wait for them
        self.pid = self.recorder.pid
        atexit.register(self.close)

    # -- the client ----------------------------------------------------------------------------------------------

    def send(self, keys):
        """A client of this process sends a graph with these results; its call is the one in progress, or a new one."""
        if len(self.sent) < _MAX_CALLS:
            for key in keys:
                call = self.graphs.calling() or Call("submit", self.graphs.sites(), [])
                call.sent += 1
                same = self.sent.setdefault(key, [])  # it may be sent again before the scheduler has it
                if len(same) < _MAX_SAME:
                    same.append(call)
                return

    def sends(self, keys, packed):
        """The graph of these results is about to be sent, as these bytes."""
        size = sum(getattr(each, "nbytes", None) or len(each) for each in (packed.header, *packed.frames))
        for key in keys:
            for call in self.sent.get(key, ())[-1:]:
                call.sent_bytes += size
                return

    # -- the scheduler -------------------------------------------------------------------------------------------

    def update_graph(self, scheduler, keys, tasks):
        """The scheduler has got a graph; ``tasks`` are all that belong to it."""
        call = self._sent(keys)
        leaf = call.leaves[0] if call is not None and len(call.leaves) == 1 else ""
        graph = ClusterGraph(scheduler.total_nthreads, len(scheduler.workers), leaf, call)
        prefix, known = self.graphs.prefix, scheduler.tasks
        read = 0
        if len(self.names) > _MAX_CALLS:
            self.names.clear()
        for key in tasks:
            name = _name(key)
            if name not in self.names or self.names[name].left <= 0:  # what runs already is the earlier graph's
                self.names[name] = graph
            read += reads(prefix(key))
            graph.left += key in known and known[key].state not in ("memory", "erred")
        source = self.graphs.sources.get(leaf)
        graph.whole = source is not None and source[0] == read
        graph.begun = now()
        if call is not None:
            call.graphs.append(graph)
        if call is not None and (call.how == "submit" or call.left) and len(self.running) < _MAX_CALLS:
            self.running[id(call)] = call

    def _sent(self, keys):
        for key in keys:
            calls = self.sent.get(key)
            if calls:
                call = calls.pop(0)
                if not calls:
                    self.sent.pop(key, None)
                return call
        return None

    def done(self, scheduler, key, report):
        """A task has ended, well or not. ``report``: what the scheduler was told by the worker."""
        prefix = self.graphs.prefix(key)
        graph = self.names.get(_name(key))
        compute = transfer = deserialize = disk = 0.0
        for each in report.get("startstops") or ():
            action, took = each["action"], each["stop"] - each["start"]
            if action == _COMPUTE:
                compute += took
            elif action == _TRANSFER:
                transfer += took
            elif action == _DESERIALIZE:
                deserialize += took
            else:
                disk += took
        wall, size = int(compute * 1e9), report.get("nbytes") or 0
        kind = self.kinds.get(prefix)
        if kind is None:
            name = prefix if len(self.kinds) < MAX_KINDS else OTHERS
            kind = self.kinds.setdefault(name, [0, 0, 0, 0, 0, 0, 0, 0])
        kind[0] += 1
        kind[1] += wall
        kind[2] += int(transfer * 1e9)
        kind[3] += int(deserialize * 1e9)
        kind[4] += int(disk * 1e9)
        kind[5] += size
        if wall > kind[6]:
            kind[6] = wall
        if size > kind[7]:
            kind[7] = size
        if graph is not None:
            graph.ended = now()
            graph.left -= 1
            graph.transfer += int(transfer * 1e9)
            graph.deserialize += int(deserialize * 1e9)
            graph.disk += int(disk * 1e9)
            if size > graph.most:
                graph.most = size
            self.graphs.add(graph, 0, key, prefix, wall, wall, _needs(scheduler, key))
            graph.results += size
            if not graph.left or graph.ended - graph.looked > _LOOK_NS:
                _look(scheduler, graph)
            if not graph.left and graph.call is not None and self.running.pop(id(graph.call), None) is not None:
                self.graphs.report(graph.call)
            if not graph.left and graph.call is None:
                graph.drop()  # nobody reports it
        if now() - self.flushed > FLUSH_NS:
            self.flush()

    def left_by(self, scheduler):
        """A worker has left; what it had done for graphs that run is done again, if another one can."""
        for graph in {id(each): each for each in self.names.values() if each.left > 0}.values():
            graph.lost += 1
            _look(scheduler, graph)

    def flush(self):
        """Write the sums so far."""
        self.flushed = now()
        kinds, self.kinds = self.kinds, {}
        for prefix, (count, wall, transfer, deserialize, disk, size, longest, most) in kinds.items():
            self.recorder.note(
                "dask_tasks", prefix=prefix, count=count, wall_ns=wall, cpu_ns=0, longest_ns=longest,
                transfer_ns=transfer, deserialize_ns=deserialize, disk_ns=disk, bytes=size, most_bytes=most,
                scheduler="cluster"
            )  # fmt: skip

    def close(self):
        """The program ends: report what is still running, too."""
        if self.recorder.pid != self.pid:
            return  # a child of it, in which no scheduler runs
        try:
            for call in list(self.running.values()):
                self.graphs.report(call)
            self.flush()
        except Exception as error:
            self.recorder.fail(self.collector.id, "exit", error)


def _name(key):
    return key[0] if type(key) is tuple else key


def _needs(scheduler, key):
    task = scheduler.tasks.get(key)
    return () if task is None else [each.key for each in task.dependencies]


def _look(scheduler, graph):
    """How full the fullest worker is, and what all of them have moved to the disk."""
    spilled = 0
    for worker in scheduler.workers.values():
        metrics = worker.metrics
        spilled += (metrics.get("spilled_bytes") or {}).get("disk", 0)
        if worker.memory_limit:
            graph.memory = max(graph.memory, metrics.get("memory", 0) / worker.memory_limit)
            graph.limit = max(graph.limit, worker.memory_limit)
    graph.spilled = max(graph.spilled, spilled)
    graph.looked = graph.ended


def plugin_of(cluster, scheduler):
    """A plugin of the scheduler that tells ``cluster`` of its graphs and tasks, and never raises."""
    collector = cluster.collector

    class Plugin:
        name = NAME

        def update_graph(self, scheduler, *, keys=(), tasks=(), **more):
            if collector.on:
                try:
                    cluster.update_graph(scheduler, keys, tasks)
                except BaseException as error:
                    collector.off("update_graph", error)

        def transition(self, key, start, finish, *args, **report):
            if start == "processing" and (finish == "memory" or finish == "erred") and collector.on:
                try:
                    cluster.done(scheduler, key, report)
                except BaseException as error:
                    collector.off("transition", error)

        def remove_worker(self, scheduler, worker, **more):
            if collector.on:
                try:
                    cluster.left_by(scheduler)
                except BaseException as error:
                    collector.off("remove_worker", error)

    base = sys.modules["distributed.diagnostics.plugin"].SchedulerPlugin
    return type("Plugin", (Plugin, base), {})()
