"""XPlane files (``*.xplane.pb``, or compressed) of JAX, TensorFlow and torch/XLA, one for each host.

Each device is taken as a rank of its own. Its window is the time from its first to its last event: the host's events
include the start of the profiler itself, which may take seconds. Only lines of streams count (of a TPU, its XLA
operations): the derived lines, such as "TensorFlow Ops", repeat the same time. Statistics of events are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..recording.facts import DeviceProperties, Fact, InputStage, InputStages
from ..recording.folder import RunError
from ..recording.intervals import overlap, union
from ..recording.model import (
    DEVICE_KINDS,
    Recording,
    Table,
)
from ..recording.trace_files import Damaged, Progress, start_of
from ._protobuf import fields, text
from ._ranks import Rank, data_waits, device_table, joined, read_each, step_rows
from ._reading import ONE_BY_ONE, Reading
from ._steps import NO_STEPS, from_kernels
from ._xspace import PLANE_NAME, PLANES, Line, Plane, opened

name = "XPlane profile"

_NAMES = (".pb", ".pb.gz", ".pb.zst")
_START = 1 << 12  # bytes that show what a file is
_DEVICE = re.compile(r"/device:(GPU|TPU):(\d+)")
_PLANE = re.compile(r"/(host|device):|Task Environment")
_KIND = {kind: at for at, kind in enumerate(DEVICE_KINDS)}
_COPIES = {"MemcpyH2D": "memcpy_h2d", "MemcpyD2H": "memcpy_d2h", "MemcpyD2D": "memcpy_d2d", "MemcpyP2P": "memcpy_d2d"}
_COLLECTIVES = ("nccl", "rccl", "all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
_STAGE, _MOST, _LONGEST = "Iterator::", 32, 200  # a stage's events; stages kept; characters of a name
_WAITS = ("IteratorGetNext", "MultiDeviceIteratorGetNext")  # tf.data: the program asks for its next batch
Spans = npt.NDArray[np.int64]  # (n, 2): begin and end in ns


def recognises(path: Path) -> bool:
    """Whether ``path`` begins like an XPlane file, or is a folder with one that is not a run folder."""
    if path.is_dir():
        return not (path / "run.json").exists() and bool(_files(path))
    return _is_profile(path)


def read(path: Path) -> Recording:
    """The recording made from the profiles. Raises RunError; for a folder, only if no profile can be read."""
    return read_many([path])


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for the profiles of one job, files and folders. Raises RunError only if none can be read."""
    files = [each for path in paths for each in (_files(path) if path.is_dir() else [path])]
    ranks, notes = read_each(paths, files, _ranks, how)
    if not ranks:
        raise RunError(f"{paths[0]} holds no work of a device {' '.join(notes)}".rstrip())
    if len({one.path for one in ranks}) == 1:
        for one in ranks:  # as the program numbers them
            one.rank = int(one.device["device"][0])
    return joined(paths[0], ranks, notes, name)


def _files(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if each.name.endswith(_NAMES) and _is_profile(each)]


def _is_profile(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        start = memoryview(start_of(path, _START))
        if not len(start) or start[0] != PLANES << 3 | 2:
            return False
        at = 1
        while start[at] & 128:
            at += 1
        for key, value in fields(start[at + 1 :]):  # of the first plane, cut off
            if key == PLANE_NAME:
                return bool(_PLANE.match(text(value)))
            if key > PLANE_NAME:
                return False
    except (OSError, ValueError, IndexError):
        pass
    return False


def _ranks(path: Path, progress: Progress | None) -> list[Rank]:
    try:
        with opened(path, progress) as planes:
            kept = list(planes)
            waits = [_waits(plane) for plane in kept if not _DEVICE.match(plane.name)]
            asked: Spans = np.concatenate([np.empty((0, 2), np.int64), *waits])
            stages = [line for plane in kept if not _DEVICE.match(plane.name) for line in _stages(plane)]
            devices = [(plane, found) for plane in kept if (found := _DEVICE.match(plane.name))]
            ranks = [rank for plane, found in devices for rank in _rank(path, int(found[2]), found[1], plane, asked)]
            for one in ranks:
                one.facts += _slowest(stages, one.begin, one.begin + one.end)
            return ranks
    except (ValueError, Damaged) as error:
        raise RunError(f"{path} cannot be read: {error}") from None


def _waits(plane: Plane) -> Spans:
    """When the program asked tf.data for its next batch."""
    asks = [called for called, name in plane.names.items() if name.startswith(_WAITS)]
    lines = list(plane.lines(lambda name: True, asks)) if asks else []
    found: Spans = np.concatenate(
        [np.empty((0, 2), np.int64), *(np.column_stack([each.begins, each.ends]) for each in lines)]
    )
    return found


def _stages(plane: Plane) -> Iterator[tuple[list[str], Line]]:
    """The lines of threads that ran stages of a tf.data pipeline, with the name of each event."""
    named = {called: name[len(_STAGE) :] for called, name in plane.names.items() if name.startswith(_STAGE)}
    for line in plane.lines(lambda name: True, named) if named else ():
        yield [named[each] for each in line.names.tolist()], line


def _slowest(stages: list[tuple[list[str], Line]], begin: int, end: int) -> list[Fact]:
    """What each stage takes by itself from ``begin`` to ``end``: without the stages that it calls on its thread."""
    alone = Counter[str]()
    for names, line in stages:
        begins, ends = line.begins.clip(begin, end), line.ends.clip(begin, end)
        active: list[tuple[int, str]] = []  # ends of the calls that the next one may lie in
        for at in np.lexsort((-ends, begins)).tolist():
            t0, t1 = int(begins[at]), int(ends[at])
            while active and active[-1][0] <= t0:
                active.pop()
            if active:
                alone[active[-1][1]] -= min(t1, active[-1][0]) - t0
            alone[names[at]] += t1 - t0
            active.append((t1, names[at]))
    found = [InputStage(name.removeprefix("Root::")[:_LONGEST], ns) for name, ns in alone.most_common(_MOST) if ns > 0]
    return [InputStages(tuple(found))] if found else []


def _is_stream(line: str) -> bool:
    return line.startswith("Stream #") or line == "XLA Ops"


def _kind(line: str, called: str) -> int:
    for part, kind in _COPIES.items():
        if called.startswith(part) or part in line:
            return _KIND[kind]
    if called.startswith("Memset"):
        return _KIND["memset"]
    return _KIND["collective" if called.lower().startswith(_COLLECTIVES) else "kernel"]


def _rank(path: Path, device: int, family: str, plane: Plane, waits: Spans) -> Iterator[Rank]:
    """The device as a rank; none if it did nothing."""
    lines = list(plane.lines(_is_stream))
    names = np.concatenate([np.empty(0, np.int64), *(line.names for line in lines)])
    if not len(names):
        return
    t0, t1 = (np.concatenate(each) for each in ([line.begins for line in lines], [line.ends for line in lines]))
    order = np.argsort(t0, kind="stable")
    base, end = int(t0.min()), int(t1.max())
    numbers, name = np.unique(names, return_inverse=True)
    called = [plane.names.get(each, "") for each in numbers.tolist()]
    lane = np.repeat(np.arange(len(lines)), [len(line.names) for line in lines])
    kinds = np.array([[_kind(line.name, each) for each in called] for line in lines])
    table = device_table({
        "device": np.full(len(order), device), "kind": kinds[lane, name][order], "lane": lane[order],
        "name": name[order], "t0": t0[order] - base, "t1": t1[order] - base, "bytes": np.zeros(len(order)),
        "pageable": np.full(len(order), -1), "correlation": np.zeros(len(order)),
    })  # fmt: skip
    marked = next(plane.lines("Steps".__eq__), None)
    spans = from_kernels(table) if marked is None else np.column_stack([marked.begins, marked.ends]) - base
    notes = [] if len(spans) else [NO_STEPS]
    known = (*[DeviceProperties("", 0, 0)] * device, DeviceProperties(family, 0, 0))
    inside = waits[(waits[:, 1] > base) & (waits[:, 0] < end)] - base
    steps, asked = _steps(spans, inside), data_waits(inside)
    yield Rank(path, None, base, end - base, (0, end - base), steps, asked, table, called, known, notes)


def _steps(spans: Spans, waits: Spans) -> Table:
    """Steps, with the time in each in which the program waited for data."""
    spans = spans[np.lexsort((spans[:, 1], spans[:, 0]))]
    table, waited = step_rows(spans), overlap(spans, union([waits]))
    for column, ns in (("data_wait", waited), ("other", spans[:, 1] - spans[:, 0] - waited)):
        table[column] = (ns // 1000).astype(table[column].dtype)
    return table
