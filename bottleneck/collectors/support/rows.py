"""Row-by-row work in Python: ``DataFrame.iterrows``, and ``apply`` with a function per row."""

from time import thread_time_ns

from ... import signals
from ...agent.recorder import now
from .. import dress
from .hooking import SHORT_NS, guard

MIN_ROWS = 256
EVERY = 64  # one row in 64 is timed
MAX_NOTES = 500


class Rows:
    """Writes the notes "rowwise": call, rows, wall and CPU time, and the part spent in pandas making rows."""

    def __init__(self, collector):
        self.collector = collector
        self.recorder = collector.recorder
        self.notes = 0

    def note(self, call, site, rows, t0, cpu, own, columns, function=""):
        """``own``: nanoseconds spent making rows; None if not measured separately from the user's function."""
        if rows < MIN_ROWS or self.notes >= MAX_NOTES:
            return
        self.notes += 1
        self.recorder.note(
            "rowwise", call=call, site=site, rows=rows, t0=t0, t1=now(), cpu_ns=cpu, own_ns=own, columns=columns,
            function=function, thread=self.recorder.ring().number,
        )  # fmt: skip

    def wanted(self):
        recorder = self.recorder
        return (
            self.collector.on
            and recorder.role != signals.WORKER
            and not recorder.sampling
            and recorder.ring().phase <= signals.IMPORT
        )

    def iterrows(self, original):
        """Wrap it as a generator function like the original; rows go through a plain loop, one in 64 timed."""
        rows = self

        def iterrows(self):
            inner = original(self)
            try:
                site = rows.recorder.site() if rows.wanted() else None
                began, cpu = now(), thread_time_ns()
            except BaseException as error:
                rows.collector.off("before", error)
                site = None
            if site is None:
                yield from inner
                return
            count = timed = own = 0
            try:
                while True:
                    for _ in range(EVERY - 1):
                        row = next(inner, rows)
                        if row is rows:
                            return
                        count += 1
                        yield row
                    t0 = now()
                    row = next(inner, rows)
                    own += now() - t0
                    if row is rows:
                        return
                    timed += 1
                    count += 1
                    yield row
            finally:
                try:
                    spent = thread_time_ns() - cpu
                    making = own * count // timed if timed else None
                    rows.note("DataFrame.iterrows", site, count, began, spent, making, self.shape[1])
                except BaseException as error:
                    rows.collector.off("after", error)

        return dress(iterrows, original)

    def apply(self, original, call):
        """Record ``apply`` as TRANSFORM, with a note if it calls a Python function per row (or per value)."""
        recorder = self.recorder
        frames = call == "DataFrame.apply"

        def before(args, kwargs):
            if not self.wanted():
                return None
            function = args[1] if len(args) > 1 else kwargs.get("func", kwargs.get("arg"))
            axis = args[2] if frames and len(args) > 2 else kwargs.get("axis", 0)
            per_row = hasattr(function, "__code__") and (not frames or axis in (1, "columns"))
            compiled = kwargs.get("engine") not in (None, "python")
            if kwargs.get("raw") or compiled or kwargs.get("by_row") is False:
                per_row = False
            ring = recorder.ring()
            outer = ring.phase
            ring.phase = signals.TRANSFORM
            return ring, outer, now(), thread_time_ns() if per_row else 0, per_row, args[0], function

        def after(token, result, failed):
            ring, outer, t0, cpu, per_row, data, function = token
            if now() - t0 < SHORT_NS:
                ring.phase = outer
                return
            site = recorder.site()
            ring.close(signals.TRANSFORM, outer, t0, site)
            if per_row and not failed:
                spent = thread_time_ns() - cpu
                columns = data.shape[1] if frames else 1
                self.note(call, site, len(data), t0, spent, None, columns, getattr(function, "__name__", ""))

        return guard(self.collector, original, before, after)
