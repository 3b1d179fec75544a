"""Traces of torch.profiler (Kineto's Chrome JSON) as rows of the table ``device``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from .. import signals
from .facts import DeviceProperties
from .model import DEVICE_COLUMNS, DEVICE_KINDS, DEVICE_WORK, Table

_NUMBER = {name: index for index, name in enumerate(DEVICE_KINDS)}
_COPIES = {"HtoD": "memcpy_h2d", "HostToDevice": "memcpy_h2d", "DtoH": "memcpy_d2h", "DeviceToHost": "memcpy_d2h"}
_NO_JSON = re.compile(r"(?<=[:\s])-?(?:N/A|inf|nan|Infinity|NaN)(?=\s*[,}\]])")
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


class Arguments(msgspec.Struct):
    """What is used of an event's arguments."""

    correlation: int = 0
    device: Any = -1
    stream: Any = 0
    bytes: int = 0


class Event(msgspec.Struct):
    """One event; ``ts`` and ``dur`` in microseconds."""

    name: str = ""
    ph: str = ""
    cat: str = ""
    tid: Any = 0
    ts: float = 0.0
    dur: float = 0.0
    args: msgspec.Raw = msgspec.Raw(b"{}")


class Distributed(msgspec.Struct):
    """The trace's place among the ranks of its job."""

    rank: Any = None
    world_size: Any = None


class Trace(msgspec.Struct):
    """A decoded trace. Other keys, which may hold the whole environment, are not read."""

    traceEvents: list[Event]
    deviceProperties: list[dict[str, Any]] = []
    baseTimeNanoseconds: int = 0  # to be added to all times, where it is given
    distributedInfo: Distributed = msgspec.field(default_factory=Distributed)


@dataclass
class Rows:
    """The table under construction. Times are in the trace's microseconds."""

    values: list[tuple[Any, ...]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, event: Event, lane: int, more: Arguments, pageable: int = -1) -> None:
        name = self.names.setdefault(event.name, len(self.names))
        device = more.device if isinstance(more.device, int) and kind in DEVICE_WORK else -1
        row = (_NUMBER[kind], device, lane, name, event.ts, event.dur, more.bytes, pageable, more.correlation)
        self.values.append(row)


def decode(data: bytes) -> Trace:
    """A decoded trace; invalid JSON that kineto is known to write (tb_plugin repairs it too) becomes 0."""
    try:
        return msgspec.json.decode(data, type=Trace, strict=False)
    except ValueError:
        text = _NO_JSON.sub("0", data.decode("utf-8", "replace"))
        return msgspec.json.decode(text, type=Trace, strict=False)


def rows_of(trace: Trace) -> tuple[Rows, list[float]]:
    """The rows worth keeping, and the times of the clock marks, in the trace's microseconds."""
    rows, clock, ends = Rows(), [], dict[int, float]()
    for event in sorted((e for e in trace.traceEvents if e.ph == "X"), key=lambda e: (e.ts, -e.dur)):
        category = category_of(event)
        if event.name == signals.CLOCK and category == "user_annotation":
            clock.append(event.ts + event.dur / 2)
        elif category == "cpu_op" and not event.name.startswith(RANGES):
            thread = int(event.tid)
            if event.ts >= ends.get(thread, -1.0):  # an operation nested in another is part of it
                ends[thread] = event.ts + event.dur
                rows.add("cpu_op", event, thread, Arguments())
        elif category in ("kernel", "gpu_memcpy", "gpu_memset") or category.endswith(("_runtime", "_driver")):
            more = msgspec.json.decode(event.args, type=Arguments, strict=False)
            _add_activity(rows, event, category, more)
    return rows, clock


def category_of(event: Event) -> str:
    """The category as it is called today."""
    category = event.cat.lower()
    return _CATEGORIES.get(category, category)


def _add_activity(rows: Rows, event: Event, category: str, more: Arguments) -> None:
    name = event.name
    if category == "kernel":
        rows.add("collective" if name.lower().startswith(COLLECTIVES) else "kernel", event, _stream(more), more)
    elif category == "gpu_memset":
        rows.add("memset", event, _stream(more), more)
    elif category == "gpu_memcpy":
        kind = next((kind for text, kind in _COPIES.items() if text in name), "memcpy_d2d")
        pageable = 1 if "Pageable" in name else 0 if "Pinned" in name else -1
        rows.add(kind, event, _stream(more), more, pageable)
    elif name in ALLOCATES:
        rows.add("alloc", event, int(event.tid), more)
    elif "Synchronize" in name:
        rows.add("sync", event, int(event.tid), more)
    elif "Memcpy" in name:
        rows.add("copy_call", event, int(event.tid), more)
    elif "Launch" in name:
        rows.add("launch", event, int(event.tid), more)


def _stream(more: Arguments) -> int:
    return more.stream if isinstance(more.stream, int) else 0


def table_of(rows: Rows, process: int, base: float, shift: float) -> Table:
    kind, device, lane, name, ts, dur, size, pageable, correlation = (
        zip(*rows.values, strict=True) if rows.values else ((),) * 9
    )
    start = (np.array(ts, float) - base) * 1e3 + shift
    found: dict[str, Any] = {
        "process": np.full(len(kind), process),
        "kind": kind,
        "device": device,
        "lane": lane,
        "name": name,
        "t0": start,
        "t1": start + np.array(dur, float) * 1e3,
        "bytes": size,
        "pageable": pageable,
        "correlation": correlation,
        "op": np.full(len(kind), -1),
    }
    table: Table = {column: np.asarray(found[column]).astype(dtype) for column, dtype in DEVICE_COLUMNS.items()}
    table["op"] = operations_of(table)
    return table


def operations_of(table: Table) -> npt.NDArray[np.int32]:
    """For each row, the row of the operation that made this call, or that caused it on the device."""
    found = np.full(len(table["kind"]), -1, np.int32)
    operations = np.flatnonzero(table["kind"] == _NUMBER["cpu_op"])
    calls = np.flatnonzero((table["kind"] >= _NUMBER["launch"]) & (table["kind"] < _NUMBER["cpu_op"]))
    for lane in np.unique(table["lane"][calls]):
        mine, here = (rows[table["lane"][rows] == lane] for rows in (operations, calls))
        if len(mine):  # sorted by start, and not nested
            last = mine[np.maximum(np.searchsorted(table["t0"][mine], table["t0"][here], side="right") - 1, 0)]
            inside = (table["t0"][here] >= table["t0"][last]) & (table["t0"][here] < table["t1"][last])
            found[here[inside]] = last[inside]
    found[operations] = operations
    cause = {int(table["correlation"][row]): found[row] for row in calls if table["correlation"][row]}
    for row in np.flatnonzero(table["kind"] < _NUMBER["launch"]):
        found[row] = cause.get(int(table["correlation"][row]), -1)
    return found


def devices_of(trace: Trace) -> tuple[DeviceProperties, ...]:
    """Name and compute capability of each device, in device order."""
    return tuple(
        DeviceProperties(str(fact.get("name", "")), int(fact.get("computeMajor", 0)), int(fact.get("computeMinor", 0)))
        for fact in trace.deviceProperties
    )
