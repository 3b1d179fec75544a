"""What the tasks of one Dask graph spent, and what kinds of tasks there are."""

from ...agent.unpatched import get_ident

#: What tasks are called that move rows from one partition to another and sort them there, by Dask's ways to shuffle.
_SHUFFLES = (
    "shuffle-", "diskshuffle", "zpartd", "barrier", "taskshuffle", "simpleshuffle", "p2pshuffle", "hash-join-",
    "hashjoinp2p", "split-task", "split-simple", "split-stage", "group-task", "group-simple", "group-stage",
    "set_partitions_pre", "sort_index", "sort_values"
)  # fmt: skip


class Sums:
    """What one thread has run of a graph; times in ns. ``kinds``: key prefix -> [tasks, wall, CPU, longest]."""

    __slots__ = ("again", "kinds", "read", "read_cpu", "reads")

    def __init__(self):
        self.again = self.read = self.read_cpu = self.reads = 0
        self.kinds = {}


class Graph:
    """A graph whose tasks run in threads of this process. ``needs``: task -> the tasks whose results it takes."""

    cluster = False
    __slots__ = (
        "again", "begun", "chain", "elsewhere", "ended", "ident", "leaf", "needs", "size", "threads", "whole", "workers"
    )  # fmt: skip

    def __init__(self, workers, leaf, elsewhere=False):
        self.elsewhere, self.size = elsewhere, 0  # its tasks run in other processes, and are so many
        self.ident, self.workers = get_ident(), workers
        self.leaf = leaf  # the only source that it reads, "" if there are several
        self.whole = False  # it reads all parts of that
        self.needs = {}
        self.begun = self.ended = 0  # when the first task could start, and when the last one was done
        self.threads = {}
        self.chain = {}  # task -> ns of the longest chain of tasks that ends with it
        self.again = set()  # hashes of what this graph is the first to run

    def run_ns(self):
        return max(0, self.ended - self.begun) if self.begun else 0

    def more(self, fields):
        """Add what only such a graph knows to the fields of its note."""
        if self.elsewhere:
            fields["scheduler"] = "processes"
            fields["tasks"] += self.size

    def drop(self):
        """It has been reported: a cluster knows it by its keys for longer, and its tasks are many."""
        self.needs, self.chain, self.again = {}, {}, set()


def reads(prefix):
    """Whether tasks of this kind read what a collection is made from."""
    return prefix.startswith(("read", "from-map", "from-delayed", "from_delayed"))


def shuffles(prefix):
    """Whether tasks of this kind move rows between partitions."""
    return prefix.startswith(_SHUFFLES) and "broadcast" not in prefix


def sums_of(graphs):
    """What the graphs of one call spent, as fields of its note; they ran one after another."""
    fields = dict(
        tasks=0, work_ns=0, cpu_ns=0, again_ns=0, read_ns=0, reads=0, shuffle_ns=0, longest_ns=0, longest_of="",
        chain_ns=0, run_ns=0, workers=0
    )  # fmt: skip
    every = [sums for graph in graphs for sums in list(graph.threads.values())]
    for sums in every:
        fields["again_ns"] += sums.again
        fields["read_ns"] += sums.read
        fields["reads"] += sums.reads
        for prefix, (count, wall, cpu, longest) in list(sums.kinds.items()):
            fields["tasks"] += count
            fields["work_ns"] += wall
            fields["cpu_ns"] += cpu
            if shuffles(prefix):
                fields["shuffle_ns"] += wall
            if longest > fields["longest_ns"]:
                fields.update(longest_ns=longest, longest_of=prefix)
    of = [sums.kinds[fields["longest_of"]] for sums in every if fields["longest_of"] in sums.kinds]
    fields["alike"], fields["alike_ns"] = sum(each[0] for each in of), sum(each[1] for each in of)
    runs = [graph.run_ns() for graph in graphs]
    fields["run_ns"], fields["planning_ns"] = sum(runs), sum(runs[:-1])
    fields["chain_ns"] = sum(max(graph.chain.values(), default=0) for graph in graphs)
    fields["workers"] = max((graph.workers for graph in graphs), default=0)
    return fields
