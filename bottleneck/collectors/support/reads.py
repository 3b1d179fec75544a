"""File reads by any library: the READ phase, the note "read", and the time a timed Dataset item spends reading.

Inside a DataLoader (in a worker, or while the main process waits for data), reads count as data loading: we record only
those of a timed item, as parts of that item; the others cost one comparison. Short reads are summed by call site
instead of noted one by one.
"""

import atexit
import io
import os
from time import process_time_ns, thread_time_ns

from ... import signals
from ...agent.recorder import now
from ...agent.unpatched import get_ident
from .. import one_each
from .hooking import guard

SMALL_NS = 1_000_000  # a note on a shorter read would cost more than it is worth
FEW_NOTES = 500  # beyond them, a note may cost 1 % of its read
LONG_NS = 5_000_000
MAX_NOTES = 2000
FLUSH_NS = 1_000_000_000
MAX_COLUMNS = 500
_SUMS = 1024
_PATH = 1024


class Reads:
    """Ids, notes and sums of this process, shared by all readers. Get it with ``of(recorder)``."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.count = 0
        self.notes = 0
        self.sums = {}
        self.flushed = 0
        self.inside = False  # inside a read of a timed item
        self.pid = recorder.pid
        atexit.register(self.flush)

    def begin(self):
        """Token of a read that starts now; None if it is not recorded."""
        recorder = self.recorder
        if recorder.sampling:
            if self.inside:  # numpy.load calls numpy.fromfile: the outermost one counts
                return None
            self.inside = True
            return None, 0, now(), thread_time_ns()
        if recorder.role == signals.WORKER:
            return None
        ring = recorder.ring()
        outer = ring.phase
        # A read inside another phase (waiting for data, a checkpoint, an outer read) belongs to that phase.
        if outer > signals.IMPORT:
            return None
        ring.phase = signals.READ
        # pyarrow parses in its own threads, so outside of samples we take the CPU time of the whole process.
        return ring, outer, now(), process_time_ns()

    def end(self, token, call, form, describe, failed, kind=signals.SAMPLE_READ):
        """End the read; calls ``describe() -> fields`` only for reads worth a note. Returns the read id or 0."""
        ring, outer, t0, c0 = token
        if ring is None:
            self.inside = False
            cpu = thread_time_ns() - c0
            self.recorder.ring().put(kind, 0, t0, now(), cpu)
            return 0
        cpu = process_time_ns() - c0
        self.count += 1
        number = self.count
        t1 = ring.close(signals.READ, outer, t0, number, signals.RAISED if failed else 0)
        if failed:
            return 0
        if self.recorder.dask_tasks.get(get_ident(), "").startswith("read"):
            return 0  # a block of a file that Dask reads: its graph notes them together
        least = SMALL_NS if self.notes < FEW_NOTES else LONG_NS
        if t1 - t0 < least or self.notes >= MAX_NOTES:
            self.add(call, form, t0, t1, cpu)
            return 0
        self.note(number, call, form, t0, t1, cpu, ring.number, describe())
        return number

    def note(self, number, call, form, t0, t1, cpu, thread, fields, wall=None):
        """Note one read. ``wall``: nanoseconds in the reader, if less than t1 - t0."""
        self.notes += 1
        plain = dict(path=None, size_bytes=None, rows=None, columns=None, column_count=None, asked_columns=None)
        plain.update(engine=None, dtypes=None)
        plain.update(fields)
        site = plain.pop("site", None) or self.recorder.site()
        self.recorder.note(
            "read", id=number, call=call, format=form, count=1, wall_ns=t1 - t0 if wall is None else wall, cpu_ns=cpu,
            site=site, t0=t0, t1=t1, thread=thread, **plain
        )  # fmt: skip

    def add(self, call, form, t0, t1, cpu):
        """Add a small read to the sum of its call site; at most ``_SUMS`` sites."""
        site = self.recorder.site()
        key = (call, form, site)
        found = self.sums.get(key)
        if found is None:
            if len(self.sums) >= _SUMS:
                return
            found = self.sums[key] = [0, 0, 0, t0, t1]
        found[0] += 1
        found[1] += t1 - t0
        found[2] += cpu
        found[4] = t1
        if t1 - self.flushed > FLUSH_NS:
            self.flushed = t1
            self.flush()

    def flush(self):
        """Write the sums so far as notes with a ``count`` and id 0."""
        if self.recorder.pid != self.pid:
            self.pid = self.recorder.pid
            self.sums = {}
            return
        sums, self.sums = self.sums, {}
        for (call, form, site), (count, wall, cpu, t0, t1) in sums.items():
            self.recorder.note(
                "read", id=0, call=call, format=form, count=count, path=None, size_bytes=None, rows=None, columns=None,
                column_count=None, asked_columns=None, engine=None, dtypes=None, wall_ns=wall, cpu_ns=cpu, site=site,
                t0=t0, t1=t1, thread=0
            )  # fmt: skip


of = one_each(Reads)


def path_of(target):
    """(path without query or credentials, size in bytes) of a path, URL or open file; None if unknown."""
    name = target if isinstance(target, (str, bytes)) else None
    if name is None and hasattr(target, "__fspath__"):
        name = os.fspath(target)
    if name is None:
        name = getattr(target, "name", None)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if not isinstance(name, str) or len(name) > _PATH or "\n" in name:
        return None, None
    if "://" in name:
        scheme, _, rest = name.partition("://")
        host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
        return scheme + "://" + host.rpartition("@")[2] + slash + path, None
    try:
        return os.path.abspath(name), os.stat(name).st_size
    except (OSError, ValueError):
        return name, None


def size_of(target):
    """``path_of`` as the two fields of a note."""
    path, size = path_of(target)
    return {"path": path, "size_bytes": size}


def table(parameter, engine="pyarrow"):
    """``describe`` for a reader that gives a table of pyarrow or a pandas frame; ``parameter``: what names the file."""

    def describe(args, kwargs, result):
        fields = size_of(argument(args, kwargs, 0, parameter))
        columns = list(result.column_names if hasattr(result, "column_names") else result.columns)
        fields.update(
            rows=result.num_rows if hasattr(result, "num_rows") else len(result),
            columns=names(columns),
            column_count=len(columns),
            asked_columns=asked(argument(args, kwargs, 1, "columns")),
            engine=engine,
        )
        return fields

    return describe


def form_of(source, form):
    """``form``; "memory" for text or bytes that the program holds already: no other file format would help there."""
    return "memory" if isinstance(source, (io.StringIO, io.BytesIO)) else form


def names(columns):
    """Column names as text, at most ``MAX_COLUMNS``."""
    return [str(name) for name in columns[:MAX_COLUMNS]]


def asked(columns):
    """The requested columns as a list of text; None for all columns, or if a function chooses them."""
    if columns is None or callable(columns):
        return None
    try:
        return [str(name) for name in columns][:MAX_COLUMNS]
    except TypeError:
        return None


def argument(args, kwargs, index, name):
    """A positional or keyword argument; None if absent."""
    if len(args) > index:
        return args[index]
    return kwargs.get(name)


def first(args, kwargs):
    """The first argument, which is what a reader reads; None without one."""
    return args[0] if args else next(iter(kwargs.values()), None)


def reader(collector, original, call, form, describe):
    """Wrap ``original`` as a recorded reader; ``describe(args, kwargs, result) -> fields`` of the note."""
    reads = of(collector.recorder)

    def before(args, kwargs):
        token = reads.begin()
        return None if token is None else (token, args, kwargs)

    def after(token, result, failed):
        begun, args, kwargs = token
        reads.end(begun, call, form_of(first(args, kwargs), form), lambda: describe(args, kwargs, result), failed)

    return guard(collector, original, before, after)
