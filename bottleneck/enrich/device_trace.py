"""Converts the trace of the device window, as exported by torch.profiler, into the table ``device``.

The trace and the recording use different clocks. Annotations in the trace, whose times the child also noted on our
clock, give the offset.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from .. import signals
from ..recording.facts import DeviceProperties, DeviceTrace, DeviceWindow
from ..recording.model import DEVICE_COLUMNS, DEVICE_KINDS, Recording, Table

_MAX_BYTES = 1 << 29
_NUMBER = {name: index for index, name in enumerate(DEVICE_KINDS)}
_COPIES = {"HtoD": "memcpy_h2d", "HostToDevice": "memcpy_h2d", "DtoH": "memcpy_d2h", "DeviceToHost": "memcpy_d2h"}
_NO_JSON = re.compile(r"(?<=[:\s])-?(?:N/A|inf|nan|Infinity|NaN)(?=\s*[,}\]])")
_COLLECTIVES = ("nccl", "rccl")


class TraceError(Exception):
    """A trace that cannot be used; the message is one sentence."""


class _Arguments(msgspec.Struct):
    correlation: int = 0
    device: Any = -1
    stream: Any = 0
    bytes: int = 0


class _Event(msgspec.Struct):
    name: str = ""
    ph: str = ""
    cat: str = ""
    tid: Any = 0
    ts: float = 0.0
    dur: float = 0.0
    args: msgspec.Raw = msgspec.Raw(b"{}")


class _Trace(msgspec.Struct):
    traceEvents: list[_Event]
    deviceProperties: list[dict[str, Any]] = []


@dataclass
class _Rows:
    """The table under construction. Times are in the trace's microseconds."""

    values: list[tuple[Any, ...]] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, event: _Event, lane: int, more: _Arguments, pageable: int = -1) -> None:
        name = self.names.setdefault(event.name, len(self.names))
        device = more.device if isinstance(more.device, int) and kind in DEVICE_KINDS[:6] else -1
        row = (_NUMBER[kind], device, lane, name, event.ts, event.dur, more.bytes, pageable, more.correlation)
        self.values.append(row)


def enrich(run_dir: Path, recording: Recording) -> None:
    """Move every trace in ``live/`` into the table, add a fact about it, and delete it. Never raises OSError."""
    done = {process for process, _ in recording.facts.of(DeviceTrace)}
    part = len(done)
    for process, window in recording.facts.of(DeviceWindow):
        pid = recording.facts.processes[process].pid
        path = run_dir / signals.LIVE / f"{pid}{signals.TRACE_SUFFIX}"
        if process in done or not path.exists():
            continue
        part += 1
        try:
            table, fact = read_trace(path, process, window.clocks)
            pq.write_table(pa.table(table), run_dir / "tables" / f"device-{part:05d}.parquet", compression="zstd")
            for column, values in table.items():
                before = recording.device.get(column, np.empty(0, values.dtype))
                recording.device[column] = np.concatenate([before, values])
        except TraceError as error:
            fact = DeviceTrace([], problem=str(error))
        except OSError:
            return  # the disk is full
        recording.facts.add(process, fact)
        path.unlink(missing_ok=True)


def read_trace(path: Path, process: int, clocks: Sequence[tuple[int, int]]) -> tuple[Table, DeviceTrace]:
    """(columns of the table, fact about the trace). Raises TraceError."""
    if path.stat().st_size > _MAX_BYTES:
        raise TraceError("The trace of the device window is too large to be read: ask for fewer steps.")
    try:
        trace = _decode(path.read_bytes())
        rows, clock = _rows(trace)
    except (ValueError, TypeError) as error:
        raise TraceError(f"The trace of the device window is damaged: {str(error).partition(chr(10))[0]}.") from None
    if not clock or len(clock) != len(clocks):
        raise TraceError("The trace of the device window has another clock: its marks are missing.")
    ours = [(before + after) / 2 for before, after in clocks]
    base = clock[0]
    shift = statistics.median(mine - 1e3 * (theirs - base) for mine, theirs in zip(ours, clock, strict=True))
    return _table(rows, process, base, shift), DeviceTrace(list(rows.names), _devices(trace))


def _decode(data: bytes) -> _Trace:
    """A decoded trace; invalid JSON that kineto is known to write (tb_plugin repairs it too) becomes 0."""
    try:
        return msgspec.json.decode(data, type=_Trace, strict=False)
    except ValueError:
        text = _NO_JSON.sub("0", data.decode("utf-8", "replace"))
        return msgspec.json.decode(text, type=_Trace, strict=False)


def _rows(trace: _Trace) -> tuple[_Rows, list[float]]:
    """The rows worth keeping, and the times of the clock marks, in the trace's microseconds."""
    rows, clock, ends = _Rows(), [], dict[int, float]()
    for event in sorted((e for e in trace.traceEvents if e.ph == "X"), key=lambda e: (e.ts, -e.dur)):
        category = event.cat.lower()
        if event.name == signals.CLOCK and category == "user_annotation":
            clock.append(event.ts + event.dur / 2)
        elif category == "cpu_op":
            thread = int(event.tid)
            if event.ts >= ends.get(thread, -1.0):  # an operation nested in another is part of it
                ends[thread] = event.ts + event.dur
                rows.add("cpu_op", event, thread, _Arguments())
        elif category in ("kernel", "gpu_memcpy", "gpu_memset") or category.endswith(("_runtime", "_driver")):
            more = msgspec.json.decode(event.args, type=_Arguments, strict=False)
            _add_activity(rows, event, category, more)
    return rows, clock


def _add_activity(rows: _Rows, event: _Event, category: str, more: _Arguments) -> None:
    name, thread = event.name, int(event.tid)
    if category == "kernel":
        rows.add("collective" if name.lower().startswith(_COLLECTIVES) else "kernel", event, _stream(more), more)
    elif category == "gpu_memset":
        rows.add("memset", event, _stream(more), more)
    elif category == "gpu_memcpy":
        kind = next((kind for text, kind in _COPIES.items() if text in name), "memcpy_d2d")
        pageable = 1 if "Pageable" in name else 0 if "Pinned" in name else -1
        rows.add(kind, event, _stream(more), more, pageable)
    elif "Synchronize" in name:
        rows.add("sync", event, thread, more)
    elif "Memcpy" in name:
        rows.add("copy_call", event, thread, more)
    elif "Launch" in name:
        rows.add("launch", event, thread, more)


def _stream(more: _Arguments) -> int:
    return more.stream if isinstance(more.stream, int) else 0


def _table(rows: _Rows, process: int, base: float, shift: float) -> Table:
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
    table["op"] = _operations(table)
    return table


def _operations(table: Table) -> npt.NDArray[np.int32]:
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


def _devices(trace: _Trace) -> tuple[DeviceProperties, ...]:
    """Name and compute capability of each device, in device order."""
    return tuple(
        DeviceProperties(str(fact.get("name", "")), int(fact.get("computeMajor", 0)), int(fact.get("computeMinor", 0)))
        for fact in trace.deviceProperties
    )
