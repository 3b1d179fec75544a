"""What the device and the host did in the traced steps: busy and idle time, and why the device was idle. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ... import signals
from ...recording.facts import DeviceProperties, DeviceTrace, DeviceWindow
from ...recording.intervals import Spans, gaps, overlap, seconds_of, spans_of, union, without
from ...recording.model import DEVICE_KINDS, DEVICE_WORK, Recording, Table
from .. import Missing
from ..training.steps import Steps

Rows = npt.NDArray[np.int64]  # row numbers in the table
_MIN_STEPS = 3  # whole steps of the loop inside the window, not counting the first
_MIN_TRACE_NS = 4_000_000  # of an imported trace with fewer steps
_LAUNCH_GAP_NS = 200_000  # in a longer gap between two kernels, the host did more than launch the next one
_LONG_CALL_NS = 50_000  # a driver call that takes longer is waiting for the device (HTA: outliers)
_AFTER_WAIT_NS = 20_000  # time for the host to resume after a wait: a gap that begins within it is blamed on the wait
IDLE_CAUSES = ("input", "copy", "sync", "launch", "host")


@dataclass(frozen=True)
class Device:
    """One device and its host, over the whole steps in the window. Seconds are per step.

    ``rows``: the table rows that begin in these steps; ``names``: the names they refer to; ``operation_sites``: the
    user's line of each operation, by the number that rows refer to it. ``idle_seconds_by_cause``
    splits idle time into: waiting for the next batch; after the host waited for a copy to the device; after it waited
    for anything else; gaps too short for more than a kernel launch; other host work.
    ``fetching_seconds``, ``copying_seconds``: time the host waited for results, and for copies to the device.
    ``step_seconds``: a step inside the window; ``typical_seconds``: a step outside it, without tracing overhead.
    """

    rows: Table = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    operation_sites: npt.NDArray[np.int32] = field(repr=False)
    steps: int
    step_seconds: float
    typical_seconds: float
    busy_seconds: float
    idle_seconds_by_cause: dict[str, float]
    fetching_seconds: float
    copying_seconds: float
    queueing_seconds: float
    waits_per_step: dict[str, float]
    device: str = ""
    capability: tuple[int, int] = (0, 0)
    simulated: bool = False

    @property
    def idle_share(self) -> float:
        """Idle share of a step outside the window."""
        return self.idle_seconds / max(self.typical_seconds, 1e-12)

    @property
    def idle_seconds(self) -> float:
        """Idle time of a step outside the window. The device takes as long there as inside it; the host does not."""
        return max(0.0, min(self.typical_seconds, self.step_seconds) - self.busy_seconds)

    @property
    def host_seconds(self) -> float:
        """Host time of a step, without its waits for the device."""
        return max(0.0, min(self.typical_seconds, self.step_seconds) - self.blocked_seconds)

    @property
    def blocked_seconds(self) -> float:
        return self.fetching_seconds + self.copying_seconds + self.queueing_seconds

    def idle_seconds_by(self, *causes: str) -> float:
        """Idle seconds that these causes account for in a step outside the window."""
        seen = sum(self.idle_seconds_by_cause.values())
        return sum(self.idle_seconds_by_cause[cause] for cause in causes) * min(
            1.0, self.idle_seconds / max(seen, 1e-12)
        )

    def of(self, *kinds: str) -> Rows:
        """Rows of these kinds, in the order of their start."""
        return np.flatnonzero(np.isin(self.rows["kind"], [DEVICE_KINDS.index(kind) for kind in kinds]))

    def seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """The duration of each of these rows."""
        taken: npt.NDArray[np.float64] = (self.rows["t1"][rows] - self.rows["t0"][rows]) / 1e9
        return taken

    def sites(self, rows: Rows) -> npt.NDArray[np.int64]:
        """The numbers of the user's lines that these rows, or else their operations, are of; 0 where not known."""
        own, operation = self.rows["site"][rows], self.rows["op"][rows]
        found: npt.NDArray[np.int64] = np.where((own == 0) & (operation >= 0), self.operation_sites[operation], own)
        return found

    def spans(self, rows: Rows) -> Spans:
        """The union of these rows' time spans."""
        return _spans(self.rows, rows)

    def saved_seconds(self, device_seconds: float) -> float:
        """How much shorter a step gets if the device has this much less work, until the host becomes the limit."""
        return min(device_seconds, self.blocked_seconds)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Device:
        start, end, count, waiting = _judged(recording, steps)
        ours = recording.device["process"] == steps.process
        table = {name: column[ours] for name, column in recording.device.items()}
        trace = recording.facts.of_process(DeviceTrace, steps.process)[0]
        mine = (table["t0"] >= start) & (table["t0"] < end)
        used, counts = np.unique(table["device"][mine & _is_work(table)], return_counts=True)
        if not len(used):
            raise Missing("The device window holds only work of the host.")
        number = int(used[np.argmax(counts)])
        rows, work, causes = idle_by_cause(table, number, start, end, waiting)
        fetching, copying, queueing = waits(rows)
        facts = trace.devices[number] if number < len(trace.devices) else DeviceProperties()
        alone = rows["op"][fetching] < 0
        called = [*np.unique(rows["op"][fetching][~alone]).tolist(), *rows["op"][fetching][alone].tolist()]
        operations = Counter(_operation(table, trace.names, op) for op in called)
        return cls(
            rows=rows,
            names=tuple(trace.names),
            operation_sites=table["site"],
            steps=count,
            step_seconds=(end - start) / 1e9 / count,
            typical_seconds=(end - start) / 1e9 / count if steps.imported else steps.typical_seconds,
            busy_seconds=seconds_of(work) / count,
            idle_seconds_by_cause={cause: seconds / count for cause, seconds in causes.items()},
            fetching_seconds=seconds_of(_spans(rows, fetching)) / count,
            copying_seconds=seconds_of(_spans(rows, copying)) / count,
            queueing_seconds=seconds_of(_spans(rows, queueing)) / count,
            waits_per_step={name: times / count for name, times in operations.most_common()},
            device=facts.name,
            capability=(facts.major, facts.minor),
            simulated=bool(recording.run.get("gpu_simulated", False)),
        )


def idle_by_cause(
    table: Table, number: int, start: int, end: int, waiting: Spans
) -> tuple[Table, Spans, dict[str, float]]:
    """Of one device between two times: the rows that begin then, with those of the host; its work; its idle seconds.

    ``table``: of its process; ``waiting``: when the loop waited for data.
    """
    busy = (table["device"] == number) & (table["t1"] > start) & (table["t0"] < end)
    work = union([spans_of(table["t0"][busy].clip(min=start), table["t1"][busy].clip(max=end))])
    mine = (table["t0"] >= start) & (table["t0"] < end) & np.isin(table["device"], (-1, number))
    kept = np.flatnonzero(mine)[np.argsort(table["t0"][mine], kind="stable")]
    rows = {name: column[kept] for name, column in table.items()}
    idle = gaps(work, start, end)
    fetching, copying, _ = waits(rows)
    causes = _causes(idle, waiting, rows, fetching, copying)
    return rows, work, {cause: nanoseconds / 1e9 for cause, nanoseconds in causes.items()}


def _judged(recording: Recording, steps: Steps) -> tuple[int, int, int, Spans]:
    """The window without its first step: (start, end, number of whole steps, spans in which the loop waited for data).

    The first step is left out because the trace lacks the work still queued on the device when the window opened.
    """
    mine = recording.facts.of_process(DeviceWindow, steps.process)
    if not mine:
        raise Missing("No device window was recorded: --device-window was not given, or the run ended first.")
    window = mine[0]
    trace = next(iter(recording.facts.of_process(DeviceTrace, steps.process)), None)
    if trace is None:
        raise Missing(window.problem or "The device window left no trace.")
    if window.problem or trace.problem:
        raise Missing(window.problem or trace.problem)
    rows = steps.rows
    inside = np.flatnonzero((rows["t0"] >= window.t0) & (rows["t1"] <= window.t1))
    if recording.imported:
        return _imported(recording, steps, inside)
    inside = inside[1:]
    if len(inside) < _MIN_STEPS:
        raise Missing("The device window holds too few whole steps; trace more steps.")
    ends = rows["t1"][inside]
    waited = rows["data_wait"][inside].astype("i8") * 1000
    # The loop asks for its next batch at the end of a step.
    waiting = union([spans_of(ends - waited, ends)])
    return int(rows["t0"][inside[0]]), int(ends[-1]), len(inside), waiting


def _imported(recording: Recording, steps: Steps, inside: Rows) -> tuple[int, int, int, Spans]:
    """The same of a trace that another tool made: it says when the loop waited for data."""
    start, end = int(steps.rows["t0"][0]), int(steps.rows["t1"][-1])
    if len(inside) < _MIN_STEPS and end - start < _MIN_TRACE_NS:
        raise Missing("The trace holds too few steps, and too short ones.")
    events = recording.events[recording.events["kind"] == signals.DATA_WAIT]
    return start, end, len(inside), union([spans_of(events["t0"], events["t1"])])


def _is_work(table: Table) -> npt.NDArray[np.bool_]:
    return table["kind"] < len(DEVICE_WORK)


def waits(rows: Table) -> tuple[Rows, Rows, Rows]:
    """Calls that block the host on the device: (for a result or completion, for a copy to it, for room in its queue).

    A copy from pageable memory blocks the host. So does any copy not requested as non-blocking: torch then waits for
    the stream within the same operation.
    """
    syncs = rows["kind"] == DEVICE_KINDS.index("sync")
    calls = (rows["kind"] == DEVICE_KINDS.index("copy_call")) | (rows["kind"] == DEVICE_KINDS.index("launch"))
    calls &= rows["t1"] - rows["t0"] > _LONG_CALL_NS
    to_device, to_host = (_causing(rows, kind) for kind in ("memcpy_h2d", "memcpy_d2h"))
    copying = (syncs | calls) & to_device
    fetching = (syncs | (calls & to_host)) & ~copying
    return np.flatnonzero(fetching), np.flatnonzero(copying), np.flatnonzero(calls & ~fetching & ~copying)


def _causing(rows: Table, kind: str) -> npt.NDArray[np.bool_]:
    """The calls behind copies of this kind: the copy calls themselves, and other calls of the same operation."""
    copies = rows["kind"] == DEVICE_KINDS.index(kind)
    operations, numbers = np.setdiff1d(rows["op"][copies], [-1]), np.setdiff1d(rows["correlation"][copies], [0])
    found: npt.NDArray[np.bool_] = np.isin(rows["op"], operations) | np.isin(rows["correlation"], numbers)
    return found


def _operation(table: Table, names: list[str], row: int) -> str:
    return names[table["name"][row]] if row >= 0 else "synchronize"


def _causes(idle: Spans, waiting: Spans, rows: Table, fetching: Rows, copying: Rows) -> dict[str, float]:
    """Nanoseconds of the gaps by cause on the host; a gap belongs to a wait if it begins during it or just after."""
    in_wait = overlap(idle, waiting)
    rest = idle[:, 1] - idle[:, 0] - in_wait
    after_copy, after_fetch = (_begins_in(idle, _spans(rows, waits)) for waits in (copying, fetching))
    after_fetch &= ~after_copy
    other = ~after_copy & ~after_fetch
    short = (rest <= _LAUNCH_GAP_NS) & (in_wait == 0)
    launching = np.where(short, rest, np.minimum(rest, overlap(idle, dispatches(rows))))
    by_gap = (in_wait, rest * after_copy, rest * after_fetch, launching * other, (rest - launching) * other)
    return {cause: float(nanoseconds.sum()) for cause, nanoseconds in zip(IDLE_CAUSES, by_gap, strict=True)}


def dispatches(rows: Table) -> Spans:
    """When the host was in operations that launch something, other than in calls that wait or allocate; a union."""
    kinds = rows["kind"]
    operations = np.setdiff1d(rows["op"][kinds == DEVICE_KINDS.index("launch")], [-1])
    mine = (kinds == DEVICE_KINDS.index("cpu_op")) & np.isin(rows["op"], operations)
    if not mine.any():
        return _spans(rows, np.flatnonzero(kinds == DEVICE_KINDS.index("launch")))
    inside = np.isin(kinds, [DEVICE_KINDS.index(kind) for kind in ("sync", "copy_call", "alloc")])
    return without(_spans(rows, np.flatnonzero(mine)), _spans(rows, np.flatnonzero(inside)))


def _begins_in(gaps: Spans, waits: Spans) -> npt.NDArray[np.bool_]:
    at = np.searchsorted(waits[:, 0], gaps[:, 0], side="right") - 1
    begun = at >= 0
    begun[begun] = gaps[begun, 0] <= waits[at[begun], 1] + _AFTER_WAIT_NS
    return begun


def _spans(rows: Table, numbers: Rows) -> Spans:
    return union([spans_of(rows["t0"][numbers], rows["t1"][numbers])])
