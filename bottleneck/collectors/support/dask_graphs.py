"""Dask's graphs in this process: the line that had each computed, how its tasks ran, and what was run before.

Worker threads add up what they run in sums of their own, so nothing is locked; the thread that waits for the graph
notes the total. The first ``MAX_NOTES`` graphs have a note each, later ones are summed by line.
"""

import atexit
import sys
from time import thread_time_ns

from ...agent.frames import line_of
from ...agent.recorder import now
from ...agent.unpatched import get_ident
from .. import one_each
from . import reads as reads_of_files
from .dask_leaves import leaves_of, size_of
from .dask_plans import Plans
from .dask_sums import Graph, Sums, reads, sums_of

MAX_NOTES = 500
FLUSH_NS = 1_000_000_000
_GUEST_NS = 200_000_000  # a pool may end its processes without a word
_MAX_SITES = 1024
_MAX_SEEN = 50_000  # keys that are remembered, to find work that is done again
_MAX_CHAIN = 20_000  # tasks of a graph whose longest chain is followed
_MAX_NAMES = 4096
MAX_KINDS, OTHERS = 1000, "other"  # key prefixes: keys of the user's own may all differ
_SHORT_NS, _TIMED = 100_000, 8  # of tasks that compute less, the CPU time is read once in so many
_PREPARES = "read"  # in the place of a task's prefix
_TEXT = {"read_csv": "csv", "read_table": "csv", "read_fwf": "fwf"}  # what parses text, block by block
_SUMMED = (
    "count", "wall_ns", "run_ns", "tasks", "work_ns", "cpu_ns", "chain_ns", "again_ns", "read_ns", "reads", "build_ns",
    "shuffle_ns", "planning_ns"
)  # fmt: skip


class Call:
    """A ``compute`` or ``persist`` in progress. ``leaves``: the names of what its collections are made from."""

    __slots__ = ("caller", "graphs", "how", "leaves", "left", "plan", "sent", "sent_bytes", "site", "t0")

    def __init__(self, how, sites, leaves, plan=0):
        self.how, self.leaves, self.plan = how, leaves, plan
        self.site, self.caller = sites
        self.graphs = []  # its own is the last one; how an index is divided takes one before it
        self.sent_bytes = 0  # to a cluster
        self.sent = 0  # graphs, to a cluster
        self.left = False  # it has returned, and its graph may still run there
        self.t0 = now()


class Graphs:
    """The graphs of this process, shared by the collectors of Dask. Get it with ``of(recorder)``."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.calls = {}  # thread -> its outermost call
        self.open = []  # graphs that run now
        self.guest = None  # stands for graphs of another process whose tasks run here
        self.serves = 0  # the process that does so
        self.cluster = None  # a scheduler of this process
        self.notes = 0
        self.seen = set()  # hashes of tasks that were run
        self.prefixes = {}
        self.plans = Plans(recorder)
        self.kinds = {}  # key prefix -> [tasks, wall, CPU, longest]
        self.sources = {}  # leaf -> (parts, reader, format, fields of a read) of frames from text files
        self.sums = {}
        self.flushed = now()
        self.pid = recorder.pid
        self.running = recorder.dask_tasks  # thread -> key prefix of its task
        atexit.register(self.flush)

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, how, collections):
        """A call that begins; None inside another one of the same thread."""
        ident = get_ident()
        if ident in self.calls or ident in self.running:
            return None
        made = self.calls[ident] = Call(how, self.sites(), leaves_of(collections), self.plans.of(collections))
        return made

    def sites(self):
        """The user's line that calls, and the line of the user's that led to its function; 0 for none."""
        recorder, found = self.recorder, []
        frame = recorder.user_frame(sys._getframe(1))
        while frame is not None and len(found) < 2:
            found.append(recorder.site_of(frame.f_code, line_of(frame)))
            frame = recorder.user_frame(frame.f_back)
        return (*found, 0, 0)[:2]

    def calling(self):
        """The call in progress in this thread; None if there is none."""
        return self.calls.get(get_ident())

    def called(self, call):
        """The call has ended."""
        self.calls.pop(get_ident(), None)
        if call.how == "persist" and call.sent and (call.sent > len(call.graphs) or call.graphs[-1].left):
            call.left = True
            if call.sent == len(call.graphs):
                self.cluster.running[id(call)] = call
        else:
            self.report(call)

    def report(self, call):
        """Note a call whose graphs have ended."""
        graphs, t1 = call.graphs, now()
        fields = dict(sums_of(graphs), count=1, wall_ns=t1 - call.t0, build_ns=0, plan=call.plan)
        for graph in graphs:
            self._read(graph)
            graph.more(fields)
            if not graph.cluster:  # the scheduler counts its own
                self._count(graph)
            if len(self.seen) < _MAX_SEEN:
                self.seen |= graph.again
            graph.drop()
        if graphs and graphs[-1].begun:
            fields["build_ns"] = max(0, graphs[-1].begun - call.t0 - fields["planning_ns"])
        names = [self.recorder.string(name) for name in call.leaves]
        self._note(
            dict(fields, how=call.how, site=call.site, caller=call.caller, t0=call.t0, t1=t1, sources=names,
                 sent_bytes=call.sent_bytes)
        )  # fmt: skip

    def _read(self, graph):
        """Note what the graph read from text files: the share of its wall time that its reading threads spent."""
        source, every = self.sources.get(graph.leaf), list(graph.threads.values())
        read = sum(sums.read for sums in every)
        if source is None or not read or not graph.begun:
            return
        _, call, form, fields = source
        if not graph.whole:
            fields = dict(fields, path=None, size_bytes=None)  # part of the files
        work = sum(kind[1] for sums in every for kind in list(sums.kinds.values()))
        wall = graph.run_ns() * read // max(work, 1)
        files = reads_of_files.of(self.recorder)
        if files.notes < reads_of_files.MAX_NOTES:
            files.count += 1
            cpu = sum(sums.read_cpu for sums in every)
            files.note(files.count, call, form, graph.begun, graph.ended, cpu, 0, fields, wall)

    def _count(self, graph):
        for sums in list(graph.threads.values()):
            for prefix, (count, wall, cpu, longest) in list(sums.kinds.items()):
                kind = self.kinds.setdefault(prefix, [0, 0, 0, 0])
                kind[:] = kind[0] + count, kind[1] + wall, kind[2] + cpu, max(kind[3], longest)

    def _note(self, fields):
        self.notes += 1
        if self.notes <= MAX_NOTES:
            self.recorder.note("dask_graph", **fields)
        else:
            key = fields["how"], fields["site"], tuple(fields["sources"])
            found = self.sums.get(key)
            if found is None:
                if len(self.sums) < _MAX_SITES:
                    self.sums[key] = fields
            else:
                for name in _SUMMED:
                    found[name] += fields[name]
                found["longest_ns"] = max(found["longest_ns"], fields["longest_ns"])
                found["t1"] = fields["t1"]
        if now() - self.flushed > FLUSH_NS:
            self.flush()

    def flush(self):
        """Write the sums so far."""
        self.flushed = now()
        guest, self.guest = self.guest, None
        if guest is not None and self.recorder.pid == self.pid:
            self._count(guest)
        sums, self.sums = self.sums, {}
        kinds, self.kinds = self.kinds, {}
        if self.recorder.pid != self.pid:
            self.pid = self.recorder.pid
            return
        for fields in list(sums.values()):  # another thread may still add
            self.recorder.note("dask_graph", **fields)
        for prefix, (count, wall, cpu, longest) in list(kinds.items()):
            self.recorder.note(
                "dask_tasks", prefix=prefix, count=count, wall_ns=wall, cpu_ns=cpu, longest_ns=longest,
                scheduler="" if guest is None else "processes"
            )  # fmt: skip

    # -- what collections are made from ---------------------------------------------------------------------------

    def prepare(self):
        """The calling thread makes a collection; False inside of that. What it looks at meanwhile is not its work."""
        ident = get_ident()
        if ident in self.running:
            return False
        self.running[ident] = _PREPARES
        return True

    def prepared(self):
        self.running.pop(get_ident(), None)

    def note_source(self, collection, name, source):
        """Note the line that made a collection from files or other data."""
        several = isinstance(source, (list, tuple))
        path, size = reads_of_files.path_of(source[0] if several and source else source)
        call, site = "dask.dataframe." + name, self.recorder.site()
        form = _TEXT.get(name)
        for leaf in leaves_of([collection])[:1]:
            parts = collection.npartitions if form else 0  # of others, this may read files
            if form:
                columns = reads_of_files.names(list(collection.columns))
                size = None if several else size
                fields = dict(path=path, size_bytes=size, columns=columns, column_count=len(columns), site=site)
                if len(self.sources) >= _MAX_NAMES:
                    self.sources.clear()
                self.sources[leaf] = parts, call, form, fields
            size = size_of(source) or size
            self.recorder.note(
                "dask_source", name=self.recorder.string(leaf), call=call, site=site, path=path, size_bytes=size,
                parts=parts
            )  # fmt: skip

    # -- graphs that run in this process -------------------------------------------------------------------------

    def begin(self, workers, elsewhere=False):
        """A graph that the calling thread is about to run; ``elsewhere``: in other processes."""
        ident = get_ident()
        call = self.calls.get(ident)
        leaf = call.leaves[0] if call is not None and len(call.leaves) == 1 else ""
        graph = Graph(workers, leaf, elsewhere)
        if call is not None and ident not in self.running:  # no task of its own, in the calling thread
            call.graphs.append(graph)
        self.open.append(graph)
        return graph

    def opened_here(self):
        """The graph that the calling thread runs; None if it runs none."""
        ident = get_ident()
        return next((each for each in reversed(list(self.open)) if each.ident == ident), None)

    def starts(self, graph, needs):
        """The first task of a graph can begin."""
        source = self.sources.get(graph.leaf)
        if source is not None:
            prefix = self.prefix
            graph.whole = sum(reads(prefix(key)) for key in needs) == source[0]
        graph.begun, graph.size = now(), len(needs)
        if len(needs) <= _MAX_CHAIN and not graph.elsewhere:
            graph.needs = needs

    def end(self, graph):
        graph.ended = now()
        self.open.remove(graph)

    def of_task(self, key):
        """The graph that a task belongs to; None if no graph of this process does."""
        found = list(self.open)
        if not found or found[-1].elsewhere:
            return self.guest or self.serve()
        if len(found) == 1:
            return found[0]
        return next((each for each in reversed(found) if key in each.needs), None)

    def serve(self):
        """This process runs tasks of another one's graphs: the graph that stands for all of them."""
        if self.recorder.pid != self.pid:  # a fork: what was counted so far is its parent's
            self.pid, self.sums, self.kinds = self.recorder.pid, {}, {}
        ends = sys.modules.get("multiprocessing.util")
        if ends is not None and self.serves != self.pid:  # a pool's process ends without what atexit would call
            self.serves = self.pid
            ends.Finalize(None, self.flush, exitpriority=100)
        self.guest = Graph(1, "")
        return self.guest

    def prefix(self, key):
        """What Dask's own pages call a task: the part of its key before the hash."""
        name = key[0] if type(key) is tuple else key
        if type(name) is str:
            # Most keys are a name and a hash of their own; Dask takes five times as long to see that.
            head, _, rest = name.partition("-")
            if not rest.partition("-")[0].isalpha():
                name = head + "-0"
        found = self.prefixes.get(name)
        if found is None:
            if len(self.prefixes) >= _MAX_NAMES:
                self.prefixes.clear()
            found = self.prefixes[name] = str(sys.modules["dask.utils"].key_split(name))[:100]
        return found

    def running_task(self, collector, key):
        """The calling thread begins a task: a token for ``ran``, None if no graph of this process holds it."""
        try:
            graph = self.of_task(key)
            if graph is None:
                return None
            ident, prefix = get_ident(), self.prefix(key)
            outer, self.running[ident] = self.running.get(ident), prefix
            sums = graph.threads.get(ident)
            kind = None if sums is None else sums.kinds.get(prefix)
            timed = kind is None or not kind[0] % _TIMED or kind[2] > _SHORT_NS * kind[0]
            return graph, ident, outer, prefix, now(), thread_time_ns() if timed else -1
        except BaseException as error:
            collector.off("before", error)
            return None

    def ran(self, collector, key, token):
        """Add one task to the sums of its thread."""
        try:
            graph, ident, outer, prefix, t0, c0 = token
            cpu, wall = thread_time_ns() - c0 if c0 >= 0 else -1, now() - t0
            if outer is None:
                self.running.pop(ident, None)
            else:
                self.running[ident] = outer
            needs = graph.needs
            self.add(graph, ident, key, prefix, wall, cpu, needs.get(key, ()) if needs else None)
            if graph is self.guest and now() - self.flushed > _GUEST_NS:
                self.flush()
        except BaseException as error:
            collector.off("after", error)

    def add(self, graph, ident, key, prefix, wall, cpu, needs):
        """One task in ``wall`` ns, of which ``cpu`` on a core (-1: as much as others of its kind); ``needs``: the tasks
        that it waited for."""
        sums = graph.threads.get(ident)
        if sums is None:
            sums = graph.threads[ident] = Sums()
        kind = sums.kinds.get(prefix)
        if kind is None and len(sums.kinds) >= MAX_KINDS:
            kind = sums.kinds.setdefault(OTHERS, [0, 0, 0, 0])
        if kind is None:
            sums.kinds[prefix] = [1, wall, max(cpu, 0), wall]
        else:
            if cpu < 0:
                cpu = kind[2] * wall // (kind[1] or 1)
            kind[0] += 1
            kind[1] += wall
            kind[2] += cpu
            if wall > kind[3]:
                kind[3] = wall
        same = hash(key)
        again = same in self.seen
        if reads(prefix):
            sums.read += wall
            sums.read_cpu += cpu
            sums.reads += 1
            # The same part of the same source, if with other columns: its key is another one.
            part = hash((graph.leaf, key[1])) if graph.whole and type(key) is tuple and len(key) > 1 else same
            again = again or part in self.seen
            graph.again.add(part)
        if again:
            sums.again += wall
        elif len(graph.again) < _MAX_SEEN:
            graph.again.add(same)
        chain = graph.chain
        if needs is not None and len(chain) < _MAX_CHAIN:
            before = 0
            for each in needs:
                ends = chain.get(each, 0)
                if ends > before:
                    before = ends
            chain[key] = before + wall


of = one_each(Graphs)
