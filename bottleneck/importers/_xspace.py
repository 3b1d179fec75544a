"""Planes and lines of an XPlane file, found first and read only where they are used: the file is never held whole."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from ..recording.trace_files import Progress, pieces
from ._protobuf import Integers, fields, fields_until, first_numbers, messages_in_a_row, number, text

#: Fields of XSpace, XPlane, XLine, XEvent and XEventMetadata in tsl's xplane.proto.
PLANES, PLANE_NAME, _LINES, _EVENT_METADATA = 1, 2, 3, 4
_LINE_NAME, _LINE_NS, _EVENTS = 2, 3, 4
_METADATA_ID, _METADATA_NAME = 1, 2
_NUMBERS = 3  # of an event: the number of its name, its offset and its duration in ps

_PACKED = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"  # gzip, zstd
_PART = 1 << 22  # bytes of a line that are held at once
_NONE = np.empty(0, np.int64)


@dataclass
class Line:
    """One line of a plane: when its events begin and end, in ns, and the numbers of their names."""

    name: str
    names: Integers
    begins: Integers
    ends: Integers


@dataclass
class Plane:
    """One plane. ``names``: of its events, by number."""

    name: str
    names: dict[int, str] = field(default_factory=dict)
    _lines: list[memoryview] = field(default_factory=list)
    _has_read: Callable[[int], object] = lambda count: None

    def lines(self, wanted: Callable[[str], bool], only: Collection[int] | None = None) -> Iterator[Line]:
        """The lines of the wanted names; ``only``: just the events with names of these numbers."""
        for message in self._lines:
            name, began = _of_line(message)
            if wanted(name):
                parts = list(_events(message, began, None if only is None else np.array(sorted(only)), self._has_read))
                columns = [np.concatenate([_NONE, *(part[column] for part in parts)]) for column in range(_NUMBERS)]
                yield Line(name, *columns)


@dataclass
class _File:
    """A mapped file."""

    path: Path
    content: mmap.mmap
    progress: Progress | None
    read: int = 0

    def has_read(self, count: int) -> None:
        """So many bytes more: gives back their memory."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.content.madvise(mmap.MADV_DONTNEED)
        if self.progress is not None:
            self.read += count
            self.progress(self.path, self.read, len(self.content))


@contextmanager
def opened(path: Path, progress: Progress | None = None) -> Iterator[Iterator[Plane]]:
    """The planes of a file, which can be read until it is closed. Raises OSError and, for what is compressed, Damaged;
    reading them, ValueError."""
    with _plain(path) as file:
        if not os.fstat(file.fileno()).st_size:
            yield iter(())
            return
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            yield _planes(_File(path, mapped, progress))
        finally:
            try:
                mapped.close()
            except BufferError:
                pass  # a plane still refers to a part of it; it is closed with the last one


def _plain(path: Path) -> IO[bytes]:
    """The file, or a temporary one with its content if it is compressed."""
    file = open(path, "rb")  # noqa: SIM115
    if not file.read(len(_PACKED[1])).startswith(_PACKED):
        return file
    file.close()
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        for piece in pieces(path):
            unpacked.write(piece)
        unpacked.flush()
    except BaseException:
        unpacked.close()
        raise
    return unpacked


def _planes(file: _File) -> Iterator[Plane]:
    for key, value in fields(memoryview(file.content)):
        if key == PLANES and isinstance(value, memoryview):
            yield _plane(value, file.has_read)
            file.has_read(0)


def _plane(message: memoryview, has_read: Callable[[int], object]) -> Plane:
    found = Plane("", _has_read=has_read)
    for key, value in fields(message):
        if key == PLANE_NAME:
            found.name = text(value)
        elif key == _LINES and isinstance(value, memoryview):
            found._lines.append(value)
        elif key == _EVENT_METADATA and isinstance(value, memoryview):
            called, label = _metadata(value)
            found.names[called] = label
    return found


def _metadata(entry: memoryview) -> tuple[int, str]:
    """(number, name) of an entry of the map, whose key is field 1 and whose value is field 2."""
    called = 0
    for key, value in fields(entry):
        if key == _METADATA_ID:
            called = number(value)
        elif isinstance(value, memoryview):
            name = next((text(each) for at, each in fields(value) if at == _METADATA_NAME), "")
            return called, name
    return called, ""


def _of_line(message: memoryview) -> tuple[str, int]:
    """(name, ns at which it begins): the fields that stand before its events, where all writers put them."""
    name, began = "", 0
    for key, value in fields(message):
        if key == _LINE_NAME:
            name = text(value)
        elif key == _LINE_NS:
            began = number(value)
        elif key == _EVENTS:
            break
    return name, began


def _events(
    message: memoryview, began: int, only: Integers | None, has_read: Callable[[int], object]
) -> Iterator[tuple[Integers, Integers, Integers]]:
    """(numbers of the names, begins, ends) of the events, part by part."""
    at = 0
    while at < len(message):
        data = bytes(message[at : at + _PART])
        begins, ends, read = messages_in_a_row(data, _EVENTS)
        if not begins:  # another field, or a long event
            key, value, at = next(fields_until(message, at))
            if key != _EVENTS or not isinstance(value, memoryview):
                continue
            data, begins, ends, read = bytes(value), [0], [len(value)], 0
        names, offsets, durations = first_numbers(data, begins, ends, _NUMBERS)
        if only is not None:
            kept = np.isin(names, only)
            names, offsets, durations = names[kept], offsets[kept], durations[kept]
        begin = began + offsets // 1000
        yield names, begin, begin + durations // 1000
        at += read
        has_read(read)
