"""Exports of Nsight Systems to SQLite (``nsys export --type sqlite``).

Each process that used a device is one rank. The window is the time from the first to the last work on its devices: a
capture may begin long before. Tables that a capture does not need are not in the file, and the tables of the machine's
environment are never read.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..recording.facts import DeviceProperties
from ..recording.folder import RunError
from ..recording.model import DEVICE_KINDS, Recording
from ..recording.trace_columns import COLLECTIVES, kind_of_call
from ..recording.trace_files import Progress
from ._ranks import Rank, data_waits, device_table, joined, read_each, step_rows
from ._reading import ONE_BY_ONE, Reading
from ._steps import NO_STEPS, from_kernels, from_ranges

name = "Nsight Systems export"

_MAGIC = b"SQLite format 3\0"
_PREFIX = "CUPTI_ACTIVITY_KIND_"
_WORK = ("KERNEL", "MEMCPY", "MEMSET")
_KIND = {kind: number for number, kind in enumerate(DEVICE_KINDS)}
_COPIES = {1: "memcpy_h2d", 2: "memcpy_d2h"}  # CUpti_ActivityMemcpyKind; the others stay on devices
_DIRECTIONS = {"memcpy_h2d": "HtoD", "memcpy_d2h": "DtoH", "memcpy_d2d": "DtoD"}
_PAGEABLE, _PINNED = 0, 1  # CUpti_ActivityMemoryKind as Nsight counts it
_PUSH_POP = 59  # NVTX: a range of one thread

#: What is kept of a row; times in ns, ``name``: number of the name.
_ROW = np.dtype([
    ("kind", "i1"), ("device", "i2"), ("lane", "i8"), ("name", "i4"), ("t0", "i8"), ("t1", "i8"), ("bytes", "i8"),
    ("pageable", "i1"), ("correlation", "i8"),
])  # fmt: skip
_PART = 1 << 16  # rows that are held as objects of Python
_Range = tuple[str, int, int, int]  # (name, thread, begin, end)


@dataclass
class _Process:
    """What one process left: rows of the table ``device``, and the ranges that the program named."""

    names: dict[str, int] = field(default_factory=dict)
    ranges: list[_Range] = field(default_factory=list)
    _parts: list[npt.NDArray[Any]] = field(default_factory=list)
    _rows: list[tuple[int, ...]] = field(default_factory=list)

    def add(
        self, kind: int, device: int, lane: int, name: str, begin: int, end: int,
        size: int = 0, pageable: int = -1, correlation: int = 0,
    ) -> None:  # fmt: skip
        number = self.names.setdefault(name, len(self.names))
        self._rows.append((kind, device, lane, number, begin, end, size, pageable, correlation))
        if len(self._rows) == _PART:
            self._pack()

    def rows(self) -> npt.NDArray[Any]:
        """All rows, by their begin."""
        self._pack()
        found = np.concatenate([np.empty(0, _ROW), *self._parts])
        self._parts.clear()
        return found[np.argsort(found["t0"], kind="stable")]

    def _pack(self) -> None:
        self._parts.append(np.array(self._rows, _ROW))
        self._rows.clear()


_Processes = defaultdict[int, _Process]


def recognises(path: Path) -> bool:
    """Whether ``path`` is a SQLite file with tables of Nsight Systems, or a folder with one that is no run folder."""
    if path.is_dir():
        return not (path / "run.json").exists() and bool(_files(path))
    return _is_export(path)


def _files(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if _is_export(each)]


def _is_export(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
        with closing(_connected(path)) as database:
            return any(table.startswith(_PREFIX) for table in _tables(database)) or "StringIds" in _tables(database)
    except (OSError, sqlite3.Error):
        return False


def read(path: Path) -> Recording:
    """The recording made from the exports. Raises RunError; for a folder, only if none of them can be read."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for the exports of one job, files and folders. Raises RunError only if none can be read."""
    files = [each for path in paths for each in (_files(path) if path.is_dir() else [path])]
    ranks, notes = read_each(paths, files, _ranks, how)
    if not ranks:
        raise RunError(f"{paths[0]} holds no readable export: {' '.join(notes)}")
    return joined(paths[0], ranks, notes, name)


def _ranks(path: Path, progress: Progress | None) -> list[Rank]:
    try:
        with closing(_connected(path)) as database:
            found = _processes(database)
            devices = _devices(database)
            started = _started_ns(database)
    except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:  # columns may hold anything
        raise RunError(f"{path} cannot be read: {error}") from None
    ranks = [rank for _, process in sorted(found.items()) for rank in _rank(path, process, devices, started)]
    if not ranks:
        raise RunError(f"{path} holds no kernels or copies of a device")
    return ranks


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    return database


def _tables(database: sqlite3.Connection) -> set[str]:
    return {row[0] for row in database.execute("select name from sqlite_master where type = 'table'")}


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"pragma table_info({table})")}


def _processes(database: sqlite3.Connection) -> _Processes:
    """What is used of each process, by its number."""
    tables = _tables(database)
    names = dict(database.execute("select id, value from StringIds")) if "StringIds" in tables else {}
    found: _Processes = defaultdict(_Process)
    for table in _WORK:
        if _PREFIX + table in tables:
            _add_work(database, table, names, found)
    for table in ("RUNTIME", "DRIVER"):
        if _PREFIX + table in tables:
            _add_calls(database, table, names, found)
    if "NVTX_EVENTS" in tables:
        _add_ranges(database, names, found)
    return found


def _select(database: sqlite3.Connection, table: str, wanted: dict[str, str]) -> Any:
    """Rows of a table; columns that this version of the exporter does not write have their default."""
    there = _columns(database, table)
    parts = ", ".join(column if column in there else default for column, default in wanted.items())
    return database.execute(f"select {parts} from {table} order by start")


def _add_work(database: sqlite3.Connection, table: str, names: dict[int, str], found: _Processes) -> None:
    wanted = {
        "start": "0", "end": "0", "deviceId": "0", "streamId": "0", "correlationId": "0", "globalPid": "0",
        "demangledName": "null", "shortName": "null", "bytes": "0", "copyKind": "-1", "srcKind": "-1", "dstKind": "-1",
    }  # fmt: skip
    for begin, end, device, stream, correlation, process, long, short, size, copy, source, target in _select(
        database, _PREFIX + table, wanted
    ):
        called, pageable = names.get(short) or names.get(long) or "", -1
        if table == "KERNEL":
            kind = "collective" if called.lower().startswith(COLLECTIVES) else "kernel"
        elif table == "MEMSET":
            kind, called = "memset", "Memset"
        else:
            kind = _COPIES.get(copy, "memcpy_d2d")
            host = source if kind == "memcpy_h2d" else target if kind == "memcpy_d2h" else -1
            pageable = {_PAGEABLE: 1, _PINNED: 0}.get(host, -1)
            called = f"Memcpy {_DIRECTIONS[kind]}"
        found[_process(process)].add(
            _KIND[kind], device, stream, called, begin, end, size or 0, pageable, correlation or 0
        )


def _add_calls(database: sqlite3.Connection, table: str, names: dict[int, str], found: _Processes) -> None:
    """Launches, copies and waits of the host, by the names that CUDA gives them ("cudaLaunchKernel_v7000")."""
    wanted = {"start": "0", "end": "0", "globalTid": "0", "correlationId": "0", "nameId": "null"}
    for begin, end, thread, correlation, label in _select(database, _PREFIX + table, wanted):
        called = names.get(label, "").partition("_v")[0]
        kind = kind_of_call(called)
        if kind:
            found[_process(thread)].add(_KIND[kind], -1, thread, called, begin, end, correlation=correlation or 0)


def _add_ranges(database: sqlite3.Connection, names: dict[int, str], found: _Processes) -> None:
    """The outermost operations of torch, which ``nsys --pytorch`` marks ("aten::mm, op_id = 7"), and other ranges."""
    wanted = {"start": "0", "end": "null", "eventType": "0", "text": "null", "textId": "null", "globalTid": "0"}
    ends: dict[int, int] = {}
    for begin, end, kind, text, label, thread in _select(database, "NVTX_EVENTS", wanted):
        called = (text or names.get(label) or "").partition(",")[0]
        if kind != _PUSH_POP or end is None:
            continue
        if not called.startswith("aten::"):
            found[_process(thread)].ranges.append((called, thread, begin, end))
        elif begin >= ends.get(thread, -1):
            ends[thread] = end
            found[_process(thread)].add(_KIND["cpu_op"], -1, thread, called, begin, end)


def _process(identity: int | None) -> int:
    """The process of a ``globalPid`` or ``globalTid``, whose lowest 24 bits are the thread."""
    return (identity or 0) >> 24


def _rank(path: Path, process: _Process, devices: dict[int, DeviceProperties], started: int) -> Iterator[Rank]:
    """The process as a rank; none if it did not use a device."""
    rows = process.rows()
    work = rows[rows["device"] >= 0]
    if not len(work):
        return
    base = int(rows["t0"][0])
    begin, end = int(work["t0"][0]) - base, int(work["t1"].max()) - base
    columns = {name: rows[name] for name in _ROW.names or ()}
    table = device_table({**columns, "t0": rows["t0"] - base, "t1": rows["t1"] - base})
    last = int(work["device"].max())
    known = tuple(devices.get(index, DeviceProperties("", 0, 0)) for index in range(last + 1))
    ended = int(table["t1"].max())
    spans = _steps(process.ranges, base, end - begin)
    spans = spans if len(spans) else from_kernels(table)
    steps, notes = step_rows(spans), [] if len(spans) else [NO_STEPS]
    steps["other"] = ((steps["t1"] - steps["t0"]) // 1000).astype(steps["other"].dtype)
    names, waits = list(process.names), data_waits([])
    yield Rank(path, None, started + base, ended, (begin, end), steps, waits, table, names, known, notes)


def _steps(ranges: list[_Range], base: int, length: int) -> npt.NDArray[np.int64]:
    if not ranges:
        return np.empty((0, 2), np.int64)
    names, threads, begins, ends = zip(*ranges, strict=True)
    return from_ranges(names, np.array(threads), np.array(begins) - base, np.array(ends) - base, length)


def _devices(database: sqlite3.Connection) -> dict[int, DeviceProperties]:
    """Name and compute capability of each device; none where the export does not say."""
    if "TARGET_INFO_GPU" not in _tables(database):
        return {}
    there = _columns(database, "TARGET_INFO_GPU")
    wanted = [each if each in there else "0" for each in ("id", "name", "computeMajor", "computeMinor")]
    rows = database.execute(f"select {', '.join(wanted)} from TARGET_INFO_GPU")
    return {index: DeviceProperties(str(label or ""), major or 0, minor or 0) for index, label, major, minor in rows}


def _started_ns(database: sqlite3.Connection) -> int:
    """When the capture began, in ns since 1970; 0 where the export does not say."""
    table = "TARGET_INFO_SESSION_START_TIME"
    if table not in _tables(database) or "utcEpochNs" not in _columns(database, table):
        return 0
    return next((int(row[0] or 0) for row in database.execute(f"select utcEpochNs from {table}")), 0)
