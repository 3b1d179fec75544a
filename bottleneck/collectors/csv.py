"""``csv``: ``reader`` and ``DictReader``, from construction to exhaustion. One row in 64 is timed.

The user's work between two rows is not reading, so we estimate reading time from the timed rows. ``csv.reader`` returns
a proxy with the C reader's type (``isinstance``), ``dialect`` and ``line_num``. A ``DictReader`` keeps its class.
"""

import sys
import weakref
from functools import partial
from time import thread_time_ns

from .. import signals
from ..agent.recorder import now
from . import BaseCollector, dress
from .support.hooking import alike, hook
from .support.reads import form_of, names, of, size_of

EVERY = 63  # mask on the line number
MIN_LINES = 512


class _State:
    """One reader's timed rows."""

    __slots__ = ("began", "cpu", "form", "over", "site", "source", "thread", "timed", "wall")

    def __init__(self, recorder, source):
        self.began = now()
        self.wall = 0
        self.cpu = 0
        self.timed = 0
        self.over = False
        self.site = recorder.site()
        self.thread = recorder.ring().number
        self.source = getattr(source, "name", None)
        self.form = form_of(source, "csv")


def _stand_in(collector, kind):
    """The proxy class that ``csv.reader`` returns; ``kind`` is the type of the C reader."""

    class reader:  # same name as the C type
        __slots__ = ("__weakref__", "_reader", "_state")

        def __init__(self, inner, state):
            self._reader = inner
            self._state = state

        @property  # type: ignore[misc]
        def __class__(self):
            return kind

        @property
        def dialect(self):
            return self._reader.dialect

        @property
        def line_num(self):
            return self._reader.line_num

        def __iter__(self):
            return self

        def __next__(self):
            inner = self._reader
            try:
                if inner.line_num & EVERY:
                    return next(inner)
            except StopIteration:
                collector.finish(self._state, inner.line_num, None, "csv.reader")
                raise
            return collector.timed_row(self._state, inner, next, "csv.reader")

        def __repr__(self):
            return repr(self._reader)

        def __reduce_ex__(self, protocol):
            return self._reader.__reduce_ex__(protocol)

    reader.__module__ = kind.__module__
    reader.__qualname__ = kind.__qualname__
    return reader


class Collector(BaseCollector):
    id = "csv"
    module = "csv"

    def hook(self, module):
        self.reads = of(self.recorder)
        self.kind = type(module.reader(()))
        self.stand_in = _stand_in(self, self.kind)
        hook(self, module, "reader", self._reader)
        rows = module.DictReader
        self.states = weakref.WeakKeyDictionary()
        hook(self, rows, "__init__", partial(self.wrap, before=self._constructing, after=self._constructed))
        hook(self, rows, "__next__", self._next)

    def _wanted(self):
        """Whether to record: not inside a Dataset, and not when a library such as pandas opened it inside a read."""
        recorder = self.recorder
        return self.on and recorder.role != signals.WORKER and not recorder.sampling and recorder.ring().phase <= 1

    def _reader(self, original):
        def reader(*args, **kwargs):
            inner = original(*args, **kwargs)
            try:
                if self._wanted():
                    # Only for the user's own calls: a library that calls csv.reader may check for the exact type.
                    if self.recorder.is_user(sys._getframe(1).f_code):
                        return self.stand_in(inner, _State(self.recorder, args[0]))
            except BaseException as error:
                self.off("before", error)
            return inner

        return alike(dress(reader, original), original)

    def _constructing(self, args, kwargs):
        if not self._wanted():
            return None
        return args[0], (args[1] if len(args) > 1 else kwargs.get("f"))

    def _constructed(self, token, result, failed):
        if token is not None and not failed:
            rows, source = token
            self.states[rows] = _State(self.recorder, source)

    def _next(self, original):
        states = self.states

        def __next__(rows):
            if rows.reader.line_num & EVERY or not self.on:
                try:
                    return original(rows)
                except StopIteration:
                    state = states.get(rows)
                    if state is not None:
                        self.finish(state, rows.reader.line_num, rows.fieldnames, "csv.DictReader")
                    raise
            state = states.get(rows)
            if state is None:
                return original(rows)
            return self.timed_row(state, rows, original, "csv.DictReader")

        return dress(__next__, original)

    def timed_row(self, state, source, advance, call):
        """Read one row and measure its cost; the reader's exceptions propagate."""
        c0 = thread_time_ns()
        t0 = now()
        try:
            row = advance(source)
        except StopIteration:
            inner = getattr(source, "reader", source)
            self.finish(state, inner.line_num, getattr(source, "fieldnames", None), call)
            raise
        try:
            t1 = now()
            state.cpu += thread_time_ns() - c0
            state.wall += t1 - t0
            state.timed += 1
        except BaseException as error:
            self.off("after", error)
        return row

    def finish(self, state, lines, columns, call):
        """Note the total cost of the reader, once."""
        if state.over or not self.on:
            return
        state.over = True
        try:
            if not state.timed or lines < MIN_LINES:
                return
            scale = lines / state.timed
            ended = now()
            wall = min(int(state.wall * scale), ended - state.began)
            fields = size_of(state.source)
            fields.update(rows=lines, site=state.site)
            if columns is not None:
                fields.update(columns=names(list(columns)), column_count=len(columns))
            self.reads.count += 1
            self.reads.note(
                self.reads.count, call, state.form, state.began, ended, min(int(state.cpu * scale), wall),
                state.thread, fields, wall=wall,
            )  # fmt: skip
        except BaseException as error:
            self.off("after", error)
