"""Traces of torch.profiler (Kineto's Chrome JSON) as columns, and as rows of the table ``device``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import signals
from .facts import DeviceProperties, Site
from .model import DEVICE_COLUMNS, DEVICE_KINDS, Table
from .trace_columns import EVENTS, PYTHON, RANGE, Columns, Events, Label, integer
from .trace_events import EventStream, Header
from .trace_files import Progress

_OPERATION, _LAUNCH = DEVICE_KINDS.index("cpu_op"), DEVICE_KINDS.index("launch")

_MOST_RANKS = 1 << 30  # more is no number of ranks
Floats = npt.NDArray[np.float64]


@dataclass
class Trace:
    """The events that are used, by begin; of operations of torch, those that are in no other one.

    ``begin``, ``end``: of all events, in the trace's microseconds. ``sites``: the user's lines; the first is number 1.
    """

    events: Events
    labels: list[Label]
    header: Header
    problems: list[str]
    begin: float
    end: float
    sites: list[Site]

    def of(self, *kinds: int) -> Events:
        """The events of these kinds, in the order of their begin."""
        wanted = np.isin([label.kind for label in self.labels], kinds)
        found: Events = self.events[wanted[self.events["label"]]]
        return found

    def named(self, start: str) -> Events:
        """The ranges whose names start so, on the thread that has most of them."""
        wanted = np.array([label.kind == RANGE and label.name.startswith(start) for label in self.labels], bool)
        found: Events = self.events[wanted[self.events["label"]]]
        lanes, counts = np.unique(found["lane"], return_counts=True)
        return found[found["lane"] == lanes[np.argmax(counts)]] if len(lanes) else found

    @property
    def clock(self) -> list[float]:
        """The times of the clock marks, in the trace's microseconds."""
        marks = self.named(signals.CLOCK)
        found: list[float] = (marks["ts"] + marks["dur"] / 2).tolist()
        return found

    def table(self, process: int, base: float, shift: float) -> tuple[Table, list[str]]:
        """The table ``device`` and the names that it refers to; ``base`` (microseconds) is at ``shift`` ns there."""
        events = self.of(*range(len(DEVICE_KINDS)))
        used, name = np.unique(events["label"], return_inverse=True)
        start = (events["ts"] - base) * 1e3 + shift
        found = {
            "process": np.full(len(events), process),
            "kind": np.array([self.labels[label].kind for label in used], int)[name],
            "name": name,
            "t0": start,
            "t1": start + events["dur"] * 1e3,
            "pageable": np.array([self.labels[label].pageable for label in used], int)[name],
            **{column: events[column] for column in ("device", "lane", "bytes", "correlation", "site")},
        }
        return device_table(found), [self.labels[label].name for label in used]

    @property
    def begin_ns(self) -> int:
        """What is to be added to all times, in ns since 1970 or since the machine's start; 0 where it is not given."""
        return integer(self.header.baseTimeNanoseconds)

    @property
    def rank(self) -> int | None:
        """The rank that the trace says it is of."""
        return self._distributed("rank")

    @property
    def world_size(self) -> int:
        """The ranks of its job; 0 where the trace does not say."""
        return self._distributed("world_size") or 0

    def _distributed(self, what: str) -> int | None:
        given = self.header.distributedInfo
        value = given.get(what) if isinstance(given, dict) else None
        return value if type(value) is int and 0 <= value < _MOST_RANKS else None

    @property
    def devices(self) -> tuple[DeviceProperties, ...]:
        """Name and compute capability of each device, in device order."""
        given = self.header.deviceProperties
        return tuple(
            DeviceProperties(
                str(fact.get("name", "")), integer(fact.get("computeMajor")), integer(fact.get("computeMinor"))
            )
            for fact in (given if isinstance(given, list) else [])
            if isinstance(fact, dict)
        )


def read_trace(path: Path, progress: Progress | None = None) -> Trace:
    """The trace in a file. Raises OSError, and ValueError for what is none."""
    stream, columns = EventStream(path, progress), Columns()
    parts = [columns.add(part) for part in stream]
    events = np.concatenate([*parts, np.empty(0, EVENTS)])
    parts.clear()
    events = events[np.lexsort((-events["dur"], events["ts"]))]
    operation = np.array([label.kind == _OPERATION for label in columns.labels], bool)[events["label"]]
    nested = np.flatnonzero(operation)
    kept = np.ones(len(events), bool)
    kept[nested[~_outermost(events[nested])]] = False
    events = events[kept]
    _find_sites(events, columns.labels)
    return Trace(
        events, columns.labels, stream.header, stream.problems, columns.begin, columns.end, list(columns.sites)
    )


def _find_sites(events: Events, labels: list[Label]) -> None:
    """Give each event of the host the user's function that it is called in, unless its own stack names a line."""
    calls = np.array([label.kind == PYTHON for label in labels], bool)[events["label"]]
    site = np.array([label.site for label in labels], np.int32)
    for lane in np.unique(events["lane"][calls]):
        here = events["lane"] == lane
        frames = events[calls & here]
        times, sites = _innermost(frames["ts"], frames["ts"] + frames["dur"], site[frames["label"]])
        rows = np.flatnonzero(here & ~calls & (events["site"] == 0) & (events["device"] < 0))
        events["site"][rows] = sites[np.searchsorted(times, events["ts"][rows], side="right")]


def _innermost(begins: Floats, ends: Floats, sites: npt.NDArray[np.int32]) -> tuple[Floats, npt.NDArray[np.int32]]:
    """When the innermost of these nested calls changes, and its site before the first and after each of these times."""
    times, found, active = list[float](), [0], list[tuple[float, int]]()
    for begin, end, site in zip(begins.tolist(), ends.tolist(), sites.tolist(), strict=True):
        while active and active[-1][0] <= begin:
            times.append(active.pop()[0])
            found.append(active[-1][1] if active else 0)
        active.append((end, site))
        times.append(begin)
        found.append(site)
    while active:
        times.append(active.pop()[0])
        found.append(active[-1][1] if active else 0)
    return np.maximum.accumulate(np.array(times, float)), np.array(found, np.int32)


def _outermost(events: Events) -> npt.NDArray[np.bool_]:
    """Which of these events, sorted by begin and the longer one first, begin inside no other one of their thread."""
    order = np.argsort(events["lane"], kind="stable")
    found = np.ones(len(events), bool)
    edges = np.flatnonzero(np.diff(events["lane"][order])) + 1
    for rows in np.split(order, edges):
        ends = np.maximum.accumulate(events["ts"][rows] + events["dur"][rows])
        found[rows[1:]] = events["ts"][rows[1:]] >= ends[:-1]
    return found


def device_table(columns: dict[str, Any]) -> Table:
    """The table ``device`` of one process; times in ns. What belongs to operations of torch is found here."""
    none = np.full(len(columns["t0"]), -1)
    values = {"process": none + 1, "op": none, "site": none + 1, **columns}
    table: Table = {column: np.asarray(values[column]).astype(dtype) for column, dtype in DEVICE_COLUMNS.items()}
    table["op"] = operations_of(table)
    return table


def operations_of(table: Table) -> npt.NDArray[np.int32]:
    """For each row, the row of the operation that made this call, or that caused it on the device."""
    found = np.full(len(table["kind"]), -1, np.int32)
    operations = np.flatnonzero(table["kind"] == _OPERATION)
    calls = np.flatnonzero((table["kind"] >= _LAUNCH) & (table["kind"] < _OPERATION))
    for lane in np.unique(table["lane"][calls]):
        mine, here = (rows[table["lane"][rows] == lane] for rows in (operations, calls))
        if len(mine):  # sorted by start, and not nested
            last = mine[np.maximum(np.searchsorted(table["t0"][mine], table["t0"][here], side="right") - 1, 0)]
            inside = (table["t0"][here] >= table["t0"][last]) & (table["t0"][here] < table["t1"][last])
            found[here[inside]] = last[inside]
    found[operations] = operations
    calls = calls[table["correlation"][calls] != 0]
    calls = calls[np.argsort(table["correlation"][calls], kind="stable")]
    work = np.flatnonzero(table["kind"] < _LAUNCH)
    if len(calls):
        known, wanted = table["correlation"][calls], table["correlation"][work]
        at = np.maximum(np.searchsorted(known, wanted, side="right") - 1, 0)
        found[work] = np.where(known[at] == wanted, found[calls[at]], -1)
    return found
