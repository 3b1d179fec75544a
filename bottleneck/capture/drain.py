"""Copies records from the live ring buffers into tables, both while the program runs and after it has died."""

from __future__ import annotations

import ast
import mmap
import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import signals
from ..recording.model import RECORD_DTYPE, TABLE_OF, Records, Table
from ..recording.stretches import empty_rows
from .shares import Cells, cells_of
from .steps import StepBuilder

_RAW = np.dtype([("t0", "u8"), ("t1", "u8"), ("kind", "u4"), ("flags", "u2"), ("thread", "u2"), ("arg", "u8")])
_HEADER = struct.Struct(signals.HEADER)


@dataclass
class _Source:
    """An open ring file and how far we have read it."""

    path: Path
    memory: mmap.mmap
    capacity: int
    pid: int
    thread: int
    seen: int = 0
    builder: StepBuilder | None = None

    def written(self) -> int:
        return int.from_bytes(self.memory[signals.WRITTEN_AT : signals.WRITTEN_AT + 8], "little")

    def copy(self) -> tuple[np.ndarray[Any, Any], int]:
        """Returns (new records in the order written, number of records overwritten before we read them)."""
        before = self.written()
        start = max(self.seen, before - self.capacity)
        raw = np.frombuffer(self.memory, _RAW, self.capacity, signals.DATA_AT)
        taken = raw[np.arange(start, before) % self.capacity]
        # The writer may have wrapped around while we copied: drop every record it could have overwritten.
        after = self.written()
        safe = max(start, after - self.capacity + (1 if after > before else 0))
        taken = taken[max(0, safe - start) :]
        lost = max(0, safe - self.seen) if safe > self.seen else 0
        self.seen = before
        return taken, lost


class Watcher(Protocol):
    """Sees what comes out of the rings, as it comes."""

    def steps(self, rows: Table) -> None: ...

    def requests(self, records: Records) -> None: ...


@dataclass
class Drain:
    """Reads ``live/`` of a run folder. ``poll`` copies new records; ``take`` returns those accumulated so far."""

    run_dir: Path
    pids: dict[int, int] = field(default_factory=dict)  # pid -> index of the last process to have it
    dropped: int = 0
    written: int = 0
    totals: dict[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unknown: Counter[int] = field(default_factory=Counter)  # kind -> number of records skipped
    sides: dict[str, int] = field(default_factory=dict)  # side file -> bytes read
    over: set[int] = field(default_factory=set)  # pids of dead processes: a new hello with one is a new process
    resume_at: dict[str, tuple[int, StepBuilder | None]] = field(default_factory=dict)  # partly read rings
    retired: list[str] = field(default_factory=list)  # rings to delete once their records are written
    _sources: dict[str, _Source] = field(default_factory=dict)
    _foreign: set[str] = field(default_factory=set)
    _tables: dict[str, list[Records]] = field(default_factory=dict)
    _steps: list[Table] = field(default_factory=list)
    notes: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    watcher: Watcher | None = None

    @property
    def skipped(self) -> list[str]:
        """One sentence for the report per unknown kind of record."""
        return [
            f"{count} records of unknown kind {kind} were skipped."
            if count > 1
            else f"1 record of unknown kind {kind} was skipped."
            for kind, count in sorted(self.unknown.items())
        ]

    @property
    def live(self) -> Path:
        return self.run_dir / signals.LIVE

    def poll(self, everything: bool = False) -> None:
        """Copy new records from rings that are at least a quarter full, or from all rings if ``everything``."""
        names = self._names()
        for name in names:  # before the rings: a process says hello before it creates one
            if name.endswith(".side"):
                self._read_side(name)
        for name in names:
            if name.endswith(".ring") and name not in self._sources and name not in self.retired:
                self._open(name)
        for source in list(self._sources.values()):
            if everything or source.written() - source.seen >= source.capacity // 4:
                self._copy(source)

    def retire(self) -> None:
        """Read the rings of dead processes to the end and close them; ``discard`` deletes them later."""
        for name, source in list(self._sources.items()):
            if not alive(source.pid):
                self._copy(source)
                self._keep_totals(source)
                if source.builder is not None:
                    self._settle(source.builder, final=True)
                del self._sources[name]
                self.retired.append(name)
                self._read_side(f"{source.pid}.side")
                self.over.add(source.pid)

    def settle(self) -> None:
        """Make rows of the steps that are complete, for the watcher."""
        for source in self._sources.values():
            if source.builder is not None:
                self._settle(source.builder, final=False)

    def discard(self) -> None:
        """Delete the retired rings. Call this once the records from ``take`` are on disk."""
        for name in self.retired:
            try:
                (self.live / name).unlink(missing_ok=True)
            except OSError:
                pass
        self.retired = []

    def standing(self) -> dict[str, tuple[int, StepBuilder | None]]:
        """Ring -> (records read so far, the StepBuilder holding those not yet in a row)."""
        return {name: (source.seen, source.builder) for name, source in self._sources.items()}

    def take(self, final: bool = False) -> tuple[Table, dict[str, Records]]:
        """Returns (step rows, table name -> records) since the last call; ``final`` closes steps and reads totals."""
        for source in self._sources.values():
            if source.builder is not None:
                self._settle(source.builder, final)
            if final:
                self._keep_totals(source)
        steps = [table for table in self._steps if len(table["t0"])] or [empty_rows()]
        joined = {name: np.concatenate([table[name] for table in steps]) for name in steps[0]}
        tables = {name: np.concatenate(parts) for name, parts in self._tables.items()}
        self._steps, self._tables = [], {}
        return joined, tables

    def put(self, name: str, records: Records) -> None:
        """Add records of ours to a table."""
        if len(records):
            self._tables.setdefault(name, []).append(records)

    def live_totals(self) -> Iterator[tuple[int, Cells]]:
        """Yields (pid, totals so far) per main thread, for the progress line."""
        for source in self._sources.values():
            if source.thread == 1:
                yield source.pid, cells_of(source.memory)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.live)
        except OSError:
            return []  # the program removed the run folder; rings we have open are still readable

    def _index(self, pid: int) -> int:
        return self.pids.setdefault(pid, 1 + max(self.pids.values(), default=-1))

    def _open(self, name: str) -> None:
        if name in self._foreign:
            return
        path = self.live / name
        try:
            with open(path, "rb") as file:
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            magic, layout, pid, _, capacity, thread, _, _ = _HEADER.unpack_from(memory, 0)
        except (OSError, ValueError, struct.error):
            return  # still being created; the next poll sees it complete
        if magic == bytes(8):
            return
        if magic != signals.MAGIC or layout != signals.LAYOUT_VERSION:
            self._foreign.add(name)
            self.problems.append(f"{path} is not a ring of this version and was left alone.")
            return
        seen, builder = self.resume_at.pop(name, (0, None))
        self._sources[name] = _Source(path, memory, capacity, pid, thread, seen, builder)

    def _copy(self, source: _Source) -> None:
        raw, lost = source.copy()
        self.dropped += lost
        self.written += len(raw) + lost
        if not len(raw):
            return
        records = np.empty(len(raw), RECORD_DTYPE)
        for name in ("t0", "t1", "kind", "flags", "thread", "arg"):
            records[name] = raw[name]
        records["process"] = self._index(source.pid)
        kinds, inverse = np.unique(records["kind"], return_inverse=True)
        tables = [TABLE_OF.get(kind, "") for kind in kinds.tolist()]
        where = np.array(tables)[inverse.reshape(-1)]
        for name in dict.fromkeys(tables):
            part = records[where == name]
            if not name:
                self._skip(part)
            elif name == "steps":
                self._fold(source, part)
            else:
                self._tables.setdefault(name, []).append(part)
                if name == "requests" and self.watcher is not None:
                    self.watcher.requests(part)

    def _skip(self, records: Records) -> None:
        """Count records of unknown kinds, for example from a newer version inside the program."""
        kinds = records["kind"].astype("u4").tolist()
        if "PYTEST_CURRENT_TEST" in os.environ:
            raise ValueError(f"records of unknown kinds: {sorted(set(kinds))}")
        self.unknown.update(kinds)

    def _fold(self, source: _Source, records: Records) -> None:
        if source.builder is None:
            source.builder = StepBuilder(self._index(source.pid))
        source.builder.add(records)
        if source.builder.size > 50_000:
            self._settle(source.builder, final=False)

    def _settle(self, builder: StepBuilder, final: bool) -> None:
        steps, events = builder.flush(final)
        if len(steps["t0"]):
            self._steps.append(steps)
            if self.watcher is not None:
                self.watcher.steps(steps)
        if len(events):
            self._tables.setdefault("events", []).append(events)

    def _keep_totals(self, source: _Source) -> None:
        process = self._index(source.pid)
        for (phase, outer), (count, ns) in cells_of(source.memory).items():
            old = self.totals.get((process, phase, outer), (0, 0))
            self.totals[process, phase, outer] = (old[0] + count, old[1] + ns)

    def _read_side(self, name: str) -> None:
        offset = self.sides.get(name, 0)
        path = self.live / name
        try:
            if path.stat().st_size <= offset:
                return
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read()
        except OSError:
            return  # the program removed it in between
        whole = data.rfind(b"\n") + 1
        self.sides[name] = offset + whole
        pid = int(name.partition(".")[0])
        for line in data[:whole].splitlines():
            try:
                kind, fields = ast.literal_eval(line.decode("utf-8", "replace"))
                if kind == "hello" and pid in self.over:
                    self.over.remove(pid)
                    self.pids[pid] = 1 + max(self.pids.values())
                self.notes.append((self._index(pid), str(kind), dict(fields)))
            except (ValueError, SyntaxError, TypeError):
                self.problems.append(f"A damaged line in {path} was skipped.")


def alive(pid: int) -> bool:
    """Whether the process is alive; a zombie is not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not os.path.isdir("/proc/1")
