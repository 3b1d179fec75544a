"""Looks at the rings and side file of a process while it writes them: plain reads, so the process notices nothing."""

from __future__ import annotations

import ast
import os
import struct
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from .. import signals
from .shares import Cells, cells_of, spent

_HEADER = struct.Struct(signals.HEADER)
_RECORD = struct.Struct(signals.RECORD)
_LAST = 64  # records of a ring that are looked at for what its thread does now
_SAMPLES = (signals.STACK_CPU, signals.STACK_BLOCKED, signals.MAIN_RUNS)
_FIRST_BYTES = 1 << 14  # of a side file, which begins with who the process is
_IDENTITY = (b"('hello'", b"('worker'", b"('ddp'")


@dataclass(frozen=True)
class Ring:
    """One ring at one moment. Times are monotonic ns. ``closed_ns``: when its thread last ended a phase, or that it
    has not ended one since; when the ring was made if it never did.

    ``sample``: (time, open phase, stack id) of the last look at the main thread that is in it, if there is one.
    """

    begun_ns: int
    cells: Cells
    closed_ns: int
    sample: tuple[int, int, int] | None


class NotARing(ValueError):
    """The file is not a ring of this version; the message is one line that names it."""


def read_ring(path: Path) -> Ring | None:
    """The ring as it is now; None if it is still being created, or has gone. Raises NotARing."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(signals.HIST_AT)
            if len(head) < signals.HIST_AT or head[:8] == bytes(8):
                return None
            magic, layout, _, written, capacity, _, begun_ns, _ = _HEADER.unpack_from(head)
            if magic != signals.MAGIC or layout != signals.LAYOUT_VERSION or not capacity:
                raise NotARing(f"{path} is not a ring of this version and was left out")
            last = _last(file, written, capacity)
    except (OSError, struct.error):
        return None
    samples = [(t1, flags & 0xFF, arg & signals.STACK_MASK) for _, t1, kind, flags, _, arg in last if kind in _SAMPLES]
    closed = [t1 for _, t1, kind, *_ in last if kind < len(signals.PHASES)]
    known_ns = min(record[1] for record in last) if written > len(last) > 0 else begun_ns
    return Ring(begun_ns, cells_of(head), max(closed, default=known_ns), max(samples, default=None))


def _last(file: FileIO, written: int, capacity: int) -> list[tuple[int, ...]]:
    """The last records of a ring, oldest first. Raises OSError and struct.error."""
    count = min(written, capacity, _LAST)
    first = (written - count) % capacity
    data = b""
    for start, number in ((first, min(count, capacity - first)), (0, max(0, first + count - capacity))):
        file.seek(signals.DATA_AT + start * signals.RECORD_BYTES)
        data += file.read(number * signals.RECORD_BYTES)
    return list(_RECORD.iter_unpack(data))


@dataclass(frozen=True)
class Rings:
    """The rings of one process: that of its thread with the most time in phases, and where its main thread is."""

    main: Ring
    sample: tuple[int, int, int] | None

    @property
    def phase_now(self) -> int | None:
        """The phase that is open; None if no phase is, or it is not known."""
        if self.sample is None or not self.sample[1] or self.sample[0] < self.main.closed_ns:
            return None
        return self.sample[1]


def rings_of(live: Path, pid: int) -> tuple[Rings | None, list[str]]:
    """(the rings of a process in the folder ``live``, None if it has none yet; a line on each that cannot be read)."""
    found, problems = [], []
    for path in sorted(live.glob(f"{pid}-*.ring")):
        try:
            ring = read_ring(path)
        except NotARing as error:
            problems.append(str(error))
            continue
        if ring is not None:
            found.append(ring)
    if not found:
        return None, problems
    main = max(found, key=lambda ring: spent(ring.cells).total_seconds)
    return Rings(main, max((ring.sample for ring in found if ring.sample is not None), default=None)), problems


def identity(side: Path) -> dict[str, Any]:
    """What the first lines of a side file say of its process: the fields of its hello, of its worker, its rank."""
    found: dict[str, Any] = {}
    try:
        with open(side, "rb", buffering=0) as file:
            lines = file.read(_FIRST_BYTES).split(b"\n")[:-1]
    except OSError:
        return found
    for line in lines:
        if line.startswith(_IDENTITY):
            found.update((name, value) for name, value in _fields(line).items() if value is not None)
    return found


def place_of(side: Path, stack: int) -> str:
    """``file:line in function`` of the user's innermost frame in a stack; "" if there is none."""
    try:
        data = side.read_bytes()
    except OSError:
        return ""
    at = data.find(b"('stack', {'id': %d," % stack)
    frames = _fields(data[at : data.find(b"\n", at)]).get("frames", ()) if at >= 0 else ()
    for frame in frames:
        if len(frame) > 3 and frame[3]:
            function, file, line = frame[:3]
            return f"{os.path.basename(str(file))}:{line} in {function}"
    return ""


def _fields(line: bytes) -> dict[str, Any]:
    try:
        _, fields = ast.literal_eval(line.decode("utf-8", "replace"))
        return dict(fields)
    except (ValueError, SyntaxError, TypeError):
        return {}  # damaged, or only half written
