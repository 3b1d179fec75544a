"""XPlane files (``*.xplane.pb``) of JAX, TensorFlow and torch/XLA, one for each host.

Each device is taken as a rank of its own. Its window is the time from its first to its last event: the host's events
include the start of the profiler itself, which may take seconds. Only lines of streams count (of a TPU, its XLA
operations): the derived lines, such as "TensorFlow Ops", repeat the same time. Statistics of events are not read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..recording.facts import DeviceProperties
from ..recording.folder import RunError
from ..recording.model import (
    DEVICE_KINDS,
    Recording,
    Table,
)
from ._protobuf import fields, number, text
from ._ranks import Rank, data_waits, device_table, joined, read_each, step_rows

name = "XPlane profile"

_START = 1 << 12  # bytes that show what a file is
_DEVICE = re.compile(r"/device:(GPU|TPU):(\d+)")
_PLANE = re.compile(r"/(host|device):|Task Environment")
_KIND = {kind: at for at, kind in enumerate(DEVICE_KINDS)}
_COPIES = {"MemcpyH2D": "memcpy_h2d", "MemcpyD2H": "memcpy_d2h", "MemcpyD2D": "memcpy_d2d", "MemcpyP2P": "memcpy_d2d"}
_COLLECTIVES = ("nccl", "rccl", "all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
_WAITS = ("IteratorGetNext", "MultiDeviceIteratorGetNext")  # tf.data: the program asks for its next batch

#: Fields of XSpace, XPlane, XLine, XEvent and XEventMetadata in tsl's xplane.proto.
_PLANES, _PLANE_NAME, _LINES, _EVENT_METADATA = 1, 2, 3, 4
_LINE_NAME, _LINE_NS, _EVENTS = 2, 3, 4
_EVENT_NAME, _OFFSET_PS, _DURATION_PS = 1, 2, 3


@dataclass
class _Line:
    """One line of a plane. ``events``: (name, begin in ns, end in ns)."""

    name: str
    events: list[tuple[str, int, int]]


@dataclass
class _Plane:
    name: str
    lines: list[_Line] = field(default_factory=list)


def recognises(path: Path) -> bool:
    """Whether ``path`` begins like an XPlane file, or is a folder with one that is not a run folder."""
    if path.is_dir():
        return not (path / "run.json").exists() and bool(_files(path))
    return _is_profile(path)


def read(path: Path) -> Recording:
    """The recording made from the profiles. Raises RunError; for a folder, only if no profile can be read."""
    return read_many([path])


def read_many(paths: Sequence[Path]) -> Recording:
    """The same for the profiles of one job, files and folders. Raises RunError only if none can be read."""
    files = [each for path in paths for each in (_files(path) if path.is_dir() else [path])]
    known, same = dict[bytes, Path](), list[str]()

    def of(path: Path) -> list[Rank]:
        try:
            data = path.read_bytes()
            first = known.setdefault(hashlib.sha256(data).digest(), path)
            if first is path:
                return list(_ranks(path, memoryview(data)))
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read: {error}") from None
        same.append(f"{path} was left out: {first.name} has the same content.")
        return []

    ranks, notes = read_each(paths, files, of)
    notes += same
    if not ranks:
        raise RunError(f"{paths[0]} holds no work of a device {' '.join(notes)}".rstrip())
    return joined(paths[0], ranks, notes, name)


def _files(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.glob("*.pb")) if _is_profile(each)]


def _is_profile(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            start = memoryview(file.read(_START))
        if not len(start) or start[0] != _PLANES << 3 | 2:
            return False
        at = 1
        while start[at] & 128:
            at += 1
        for key, value in fields(start[at + 1 :]):  # of the first plane, cut off
            if key == _PLANE_NAME:
                return bool(_PLANE.match(text(value)))
            if key > _PLANE_NAME:
                return False
    except (OSError, ValueError, IndexError):
        pass
    return False


def _ranks(path: Path, data: memoryview) -> Iterator[Rank]:
    planes = [_plane(value) for key, value in fields(data) if key == _PLANES and isinstance(value, memoryview)]
    waits = [
        (begin, end)
        for plane in planes
        if not _DEVICE.match(plane.name)
        for line in plane.lines
        for called, begin, end in line.events
        if called.startswith(_WAITS)
    ]
    for plane in planes:
        device = _DEVICE.match(plane.name)
        work = [(line, *event) for line in plane.lines if device and _is_stream(line) for event in line.events]
        if device and work:
            yield _rank(path, int(device[2]), device[1], plane, work, waits)


def _plane(message: memoryview) -> _Plane:
    found, lines, names = _Plane(""), list[memoryview](), dict[int, str]()
    for key, value in fields(message):
        if key == _PLANE_NAME:
            found.name = text(value)
        elif key == _LINES and isinstance(value, memoryview):
            lines.append(value)
        elif key == _EVENT_METADATA and isinstance(value, memoryview):
            entry = dict(fields(value))  # of a map: key 1, value 2
            described = entry.get(2)
            if isinstance(described, memoryview):
                names[number(entry.get(1, 0))] = text(dict(fields(described)).get(2, 0))
    found.lines = [_line(each, names) for each in lines]
    return found


def _line(message: memoryview, names: dict[int, str]) -> _Line:
    called, began, events = "", 0, list[memoryview]()
    for key, value in fields(message):
        if key == _LINE_NAME:
            called = text(value)
        elif key == _LINE_NS:
            began = number(value)
        elif key == _EVENTS and isinstance(value, memoryview):
            events.append(value)
    return _Line(called, [_event(each, names, began) for each in events])


def _event(message: memoryview, names: dict[int, str], began: int) -> tuple[str, int, int]:
    label = offset = duration = 0
    for key, value in fields(message):
        if key > _DURATION_PS:
            break  # statistics
        if key == _EVENT_NAME:
            label = number(value)
        elif key == _OFFSET_PS:
            offset = number(value)
        elif key == _DURATION_PS:
            duration = number(value)
    begin = began + offset // 1000
    return names.get(label, ""), begin, begin + duration // 1000


def _is_stream(line: _Line) -> bool:
    return line.name.startswith("Stream #") or line.name == "XLA Ops"


def _kind(line: _Line, called: str) -> str:
    for part, kind in _COPIES.items():
        if called.startswith(part) or part in line.name:
            return kind
    if called.startswith("Memset"):
        return "memset"
    return "collective" if called.lower().startswith(_COLLECTIVES) else "kernel"


def _rank(
    path: Path,
    device: int,
    family: str,
    plane: _Plane,
    work: list[tuple[_Line, str, int, int]],
    waits: list[tuple[int, int]],
) -> Rank:
    work.sort(key=lambda each: each[2])
    base, end = work[0][2], max(each[3] for each in work)
    lanes = {id(line): number for number, line in enumerate(plane.lines)}
    names: dict[str, int] = {}
    table = device_table({
        "device": np.full(len(work), device),
        "kind": [_KIND[_kind(line, called)] for line, called, _, _ in work],
        "lane": [lanes[id(line)] for line, _, _, _ in work],
        "name": [names.setdefault(called, len(names)) for _, called, _, _ in work],
        "t0": np.array([begin for _, _, begin, _ in work]) - base,
        "t1": np.array([ended for _, _, _, ended in work]) - base,
        "bytes": np.zeros(len(work)), "pageable": np.full(len(work), -1), "correlation": np.zeros(len(work)),
    })  # fmt: skip
    marked = next((line.events for line in plane.lines if line.name == "Steps"), [])
    steps = _steps([(begin - base, ended - base) for _, begin, ended in marked])
    known = (*[DeviceProperties("", 0, 0)] * device, DeviceProperties(family, 0, 0))
    asked = [(begin - base, ended - base) for begin, ended in waits if ended > base and begin < end]
    return Rank(path, None, base, end - base, (0, end - base), steps, data_waits(asked), table, list(names), known)


def _steps(spans: list[tuple[int, int]]) -> Table:
    table = step_rows(sorted(spans))
    table["other"] = ((table["t1"] - table["t0"]) // 1000).astype(table["other"].dtype)
    return table
