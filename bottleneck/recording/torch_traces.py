"""Traces of torch.profiler (Kineto's Chrome JSON) as columns, and as rows of the table ``device``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import signals
from .facts import DeviceProperties
from .model import DEVICE_COLUMNS, DEVICE_KINDS, DEVICE_WORK, Table
from .trace_events import Arguments, Event, EventStream, Header
from .trace_files import Progress

_NUMBER = {name: index for index, name in enumerate(DEVICE_KINDS)}
_OPERATION, _LAUNCH = _NUMBER["cpu_op"], _NUMBER["launch"]
#: Kinds beside those of the table: a range that somebody named, a call of a Python function, what is not used.
RANGE, PYTHON, UNUSED = len(DEVICE_KINDS), len(DEVICE_KINDS) + 1, -1

_COPIES = {"HtoD": "memcpy_h2d", "HostToDevice": "memcpy_h2d", "DtoH": "memcpy_d2h", "DeviceToHost": "memcpy_d2h"}
#: Calls that take device memory from the driver or give it back; each may wait for the whole device.
ALLOCATES = frozenset(
    "cudaMalloc cudaFree cudaMallocPitch hipMalloc hipFree hipExtMallocWithFlags cuMemAlloc cuMemAlloc_v2 cuMemFree "
    "cuMemFree_v2".split()
)
COLLECTIVES = ("nccl", "rccl")
#: Categories of traces from before 2022, and what they are called now.
_CATEGORIES = {"operator": "cpu_op", "runtime": "cuda_runtime", "memcpy": "gpu_memcpy", "memset": "gpu_memset"}
#: Ranges of torch's own that hold operations; older traces put them among these.
STEP, NEXT_BATCH, OPTIMIZER_STEP = RANGES = ("ProfilerStep#", "enumerate(DataLoader)", "Optimizer.step")

#: One event that is used. ``label``: index into the labels; ``lane``: stream or thread; ``ts``, ``dur``: microseconds.
EVENTS = np.dtype(
    [
        ("label", "i4"),
        ("device", "i2"),
        ("lane", "i8"),
        ("ts", "f8"),
        ("dur", "f8"),
        ("bytes", "i8"),
        ("correlation", "i8"),
    ]
)
Events = npt.NDArray[Any]  # of EVENTS
_NOTHING = Arguments()
_MAX_US, _MAX_INTEGER = 9e15, 1 << 62  # a longer time is no time: it has no microseconds as a float


@dataclass(frozen=True)
class Label:
    """What all events of one category and name are. ``pageable``: 1 yes, 0 no, -1 unknown or no copy."""

    kind: int
    name: str
    pageable: int = -1


@dataclass
class Trace:
    """The events that are used, by begin; of operations of torch, those that are in no other one."""

    events: Events
    labels: list[Label]
    header: Header
    problems: list[str]
    end: float  # of the last of all events, in the trace's microseconds

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
        found: dict[str, Any] = {
            "process": np.full(len(events), process),
            "kind": np.array([self.labels[label].kind for label in used], int)[name],
            "name": name,
            "t0": start,
            "t1": start + events["dur"] * 1e3,
            "pageable": np.array([self.labels[label].pageable for label in used], int)[name],
            "op": np.full(len(events), -1),
            **{column: events[column] for column in ("device", "lane", "bytes", "correlation")},
        }
        table: Table = {column: np.asarray(found[column]).astype(dtype) for column, dtype in DEVICE_COLUMNS.items()}
        table["op"] = operations_of(table)
        return table, [self.labels[label].name for label in used]

    @property
    def begin_ns(self) -> int:
        """What is to be added to all times, in ns since 1970 or since the machine's start; 0 where it is not given."""
        return _integer(self.header.baseTimeNanoseconds)

    @property
    def rank(self) -> int | None:
        """The rank that the trace says it is of."""
        given = self.header.distributedInfo
        rank = given.get("rank") if isinstance(given, dict) else None
        return rank if type(rank) is int else None

    @property
    def devices(self) -> tuple[DeviceProperties, ...]:
        """Name and compute capability of each device, in device order."""
        given = self.header.deviceProperties
        return tuple(
            DeviceProperties(
                str(fact.get("name", "")), _integer(fact.get("computeMajor")), _integer(fact.get("computeMinor"))
            )
            for fact in (given if isinstance(given, list) else [])
            if isinstance(fact, dict)
        )


@dataclass
class _Reading:
    """The columns under construction."""

    labels: list[Label] = field(default_factory=list)
    known: dict[tuple[str, str], int] = field(default_factory=dict)  # (category, name) -> label, or UNUSED
    lanes: dict[Any, int] = field(default_factory=dict)  # of threads without a number

    def add(self, events: list[Event]) -> Events:
        """The events among them that are used."""
        known, kept, labels = self.known, list[Event](), list[int]()
        for event in events:
            if event.ph == "X":
                label = known.get((event.cat, event.name))
                if label is None:
                    label = self._learn(event)
                if label >= 0:
                    kept.append(event)
                    labels.append(label)
        found = np.zeros(len(kept), EVENTS)
        found["label"] = labels
        found["ts"] = [event.ts for event in kept]
        found["dur"] = [event.dur for event in kept]
        found["device"] = -1
        kind = np.array([label.kind for label in self.labels], int)[found["label"]]
        device, caused = kind < len(DEVICE_WORK), (kind < len(DEVICE_KINDS)) & (kind != _OPERATION)
        arguments = [kept[row].args or _NOTHING for row in np.flatnonzero(device).tolist()]
        index = _integers([each.device for each in arguments], -1)
        found["device"][device] = np.where((index >= 0) & (index < 1 << 15), index, -1)
        found["lane"][device] = _integers([each.stream for each in arguments])
        found["bytes"][device] = _integers([each.bytes for each in arguments])
        arguments = [kept[row].args or _NOTHING for row in np.flatnonzero(caused).tolist()]
        found["correlation"][caused] = _integers([each.correlation for each in arguments])
        found["lane"][~device] = [self._lane(kept[row].tid) for row in np.flatnonzero(~device).tolist()]
        known_times: Events = found[(np.abs(found["ts"]) < _MAX_US) & (found["dur"] >= 0) & (found["dur"] < _MAX_US)]
        return known_times

    def _lane(self, thread: Any) -> int:
        """The thread's number; where it has a name, one that no thread has."""
        if type(thread) is int and abs(thread) < _MAX_INTEGER:
            return thread
        number = _integer(thread, UNUSED)
        return number if number >= 0 else self.lanes.setdefault(str(thread), -2 - len(self.lanes))

    def _learn(self, event: Event) -> int:
        label = _label(category_of(event.cat), event.name)
        number = UNUSED
        if label.kind != UNUSED:
            number = len(self.labels)
            self.labels.append(label)
        self.known[event.cat, event.name] = number
        return number


def read_trace(path: Path, progress: Progress | None = None) -> Trace:
    """The trace in a file. Raises OSError, and ValueError for what is none."""
    stream, reading = EventStream(path, progress), _Reading()
    parts = [reading.add(part) for part in stream]
    events = np.concatenate([*parts, np.empty(0, EVENTS)])
    parts.clear()
    end = float((events["ts"] + events["dur"]).max()) if len(events) else 0.0
    events = events[np.lexsort((-events["dur"], events["ts"]))]
    operation = np.array([label.kind == _OPERATION for label in reading.labels], bool)[events["label"]]
    nested = np.flatnonzero(operation)
    kept = np.ones(len(events), bool)
    kept[nested[~_outermost(events[nested])]] = False
    return Trace(events[kept], reading.labels, stream.header, stream.problems, end)


def category_of(category: str) -> str:
    """The category as it is called today."""
    lower = category.lower()
    return _CATEGORIES.get(lower, lower)


def _label(category: str, name: str) -> Label:
    if category == "kernel":
        return Label(_NUMBER["collective" if name.lower().startswith(COLLECTIVES) else "kernel"], name)
    if category == "gpu_memset":
        return Label(_NUMBER["memset"], name)
    if category == "gpu_memcpy":
        kind = next((kind for text, kind in _COPIES.items() if text in name), "memcpy_d2d")
        return Label(_NUMBER[kind], name, 1 if "Pageable" in name else 0 if "Pinned" in name else -1)
    if category == "user_annotation" or (category == "cpu_op" and name.startswith(RANGES)):
        return Label(RANGE, name)
    if category == "cpu_op":
        return Label(_OPERATION, name)
    if category == "python_function":
        return Label(PYTHON, name)
    if category.endswith(("_runtime", "_driver")):
        parts = (("Synchronize", "sync"), ("Memcpy", "copy_call"), ("Launch", "launch"))
        called = "alloc" if name in ALLOCATES else next((kind for part, kind in parts if part in name), None)
        if called is not None:
            return Label(_NUMBER[called], name)
    return Label(UNUSED, name)


def _integers(values: list[Any], otherwise: int = 0) -> npt.NDArray[np.int64]:
    """The values, with ``otherwise`` for what is no number or too large for one."""
    if not all(type(value) is int and abs(value) < _MAX_INTEGER for value in values):
        values = [_integer(value, otherwise) for value in values]
    return np.array(values, np.int64)


def _integer(value: Any, otherwise: int = 0) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return otherwise
    return number if abs(number) < _MAX_INTEGER else otherwise


def _outermost(events: Events) -> npt.NDArray[np.bool_]:
    """Which of these events, sorted by begin and the longer one first, begin inside no other one of their thread."""
    order = np.argsort(events["lane"], kind="stable")
    found = np.ones(len(events), bool)
    edges = np.flatnonzero(np.diff(events["lane"][order])) + 1
    for rows in np.split(order, edges):
        ends = np.maximum.accumulate(events["ts"][rows] + events["dur"][rows])
        found[rows[1:]] = events["ts"][rows[1:]] >= ends[:-1]
    return found


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
