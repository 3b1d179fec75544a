"""Traces that torch.profiler exported: Chrome JSON by Kineto, plain or compressed with gzip.

A file is one rank, a folder of files is the ranks of one job. Steps are the ``ProfilerStep#`` ranges, or else what lies
between two optimizer steps, or between two batches of a DataLoader. The rest of a trace is not read: it may hold the
whole environment.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..recording.folder import RunError
from ..recording.model import (
    Recording,
    Table,
)
from ..recording.torch_traces import (
    NEXT_BATCH,
    OPTIMIZER_STEP,
    STEP,
    Event,
    Trace,
    category_of,
    decode,
    devices_of,
    rows_of,
    table_of,
)
from ._ranks import Rank, data_waits, joined, read_each, step_rows

name = "torch.profiler trace"

_START = 1 << 16  # bytes that show what a file is
_GZIP = b"\x1f\x8b"
_KEYS = (b'"schemaVersion"', b'"deviceProperties"', b'"traceEvents"', b'"baseTimeNanoseconds"')
_HOST = ("cpu_op", "user_annotation", "python_function")
_LEAST = 2  # repetitions of a range that may be a step

Spans = npt.NDArray[np.int64]  # (n, 2): begin and end in ns


def recognises(path: Path) -> bool:
    """Whether ``path`` begins like a Kineto trace, or is a folder with such a file that is not a run folder."""
    if path.is_dir():
        return not (path / "run.json").exists() and bool(_files(path))
    return _is_trace(path)


def read(path: Path) -> Recording:
    """The recording made from the traces. Raises RunError; for a folder, only if none of its traces can be read."""
    return read_many([path])


def read_many(paths: Sequence[Path]) -> Recording:
    """The same for the traces of one job, files and folders. Raises RunError only if none can be read."""
    files = [each for path in paths for each in (_files(path) if path.is_dir() else [path])]
    found, notes = read_each(paths, files, lambda path: [_rank(path)])
    ranks = list[Rank]()
    for one in found:
        same = next((each for each in ranks if one.rank is not None and each.rank == one.rank), None)
        if same is None:
            ranks.append(one)
        else:
            notes.append(f"{one.path} was left out: {same.path.name} already holds rank {one.rank}.")
    if not ranks:
        raise RunError(f"{paths[0]} holds no readable trace: {' '.join(notes)}")
    ranks.sort(key=lambda one: (one.rank is None, one.rank or 0, one.path.name))
    return joined(paths[0], ranks, notes, name)


def _files(folder: Path) -> list[Path]:
    names = sorted([*folder.glob("*.json"), *folder.glob("*.json.gz")])
    return [each for each in names if _is_trace(each)]


def _is_trace(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            start = file.read(_START)
        if start.startswith(_GZIP):
            start = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(start, 8 * _START)
    except (OSError, zlib.error):
        return False
    return start.lstrip().startswith(b"{") and any(key in start for key in _KEYS)


# --- one file ---------------------------------------------------------------------------------------------------------
def _rank(path: Path) -> Rank:
    trace = _trace(path)
    rows, _ = rows_of(trace)
    ranges = [event for event in trace.traceEvents if event.ph == "X" and category_of(event) in _HOST]
    begins = [event.ts for event in ranges] + [row[4] for row in rows.values]
    if not begins:
        raise RunError(f"{path} holds no operations or kernels")
    base = min(begins)
    ends = [event.ts + event.dur for event in ranges] + [row[4] + row[5] for row in rows.values]
    end = round((max(ends) - base) * 1e3)
    batches = _spans(_named(ranges, NEXT_BATCH), base)
    steps = _steps(ranges, batches, base)
    marked = any(event.name.startswith(STEP) for event in ranges)
    window = (int(steps["t0"].min()), int(steps["t1"].max())) if marked else (0, end)
    device = table_of(rows, 0, base, 0.0)
    begin = trace.baseTimeNanoseconds + round(base * 1e3)
    rank = trace.distributedInfo.rank if type(trace.distributedInfo.rank) is int else None
    return Rank(path, rank, begin, end, window, steps, data_waits(batches), device, list(rows.names), devices_of(trace))


def _trace(path: Path) -> Trace:
    try:
        data = path.read_bytes()
        return decode(gzip.decompress(data) if data.startswith(_GZIP) else data)
    except (OSError, EOFError, zlib.error) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    except (ValueError, TypeError) as error:  # msgspec names the place
        raise RunError(f"{path} is damaged: {str(error).partition(chr(10))[0]}") from None


def _spans(events: Sequence[Event], base: float) -> Spans:
    edges = [((event.ts - base) * 1e3, (event.ts + event.dur - base) * 1e3) for event in events]
    found: Spans = np.array(sorted(edges), float).reshape(-1, 2).round().astype(np.int64)
    return found


def _named(ranges: list[Event], start: str) -> list[Event]:
    """The ranges of this name on the thread that has most of them."""
    found = [event for event in ranges if event.name.startswith(start)]
    threads = [str(event.tid) for event in found]
    most = max(set(threads), key=threads.count, default="")
    return [event for event in found if str(event.tid) == most]


def _steps(ranges: list[Event], batches: Spans, base: float) -> Table:
    """The step rows; without any if nothing in the trace repeats."""
    marked = _named(ranges, STEP)
    updates = _spans(_named(ranges, OPTIMIZER_STEP), base)
    spans = _spans(marked, base)
    if not marked:
        ends = updates[:, 1] if len(updates) >= _LEAST else batches[:, 1]
        spans = np.column_stack([ends[:-1], ends[1:]])
    table = step_rows(spans)
    if not len(spans):
        return table
    wait, optimizer = (_inside(spans, each) for each in (batches, updates))
    other = np.maximum(spans[:, 1] - spans[:, 0] - wait - optimizer, 0)
    for column, nanoseconds in (("data_wait", wait), ("optimizer", optimizer), ("other", other)):
        table[column] = (nanoseconds // 1000).astype("i4")
    table["optimized"] = optimizer > 0
    table["trained"] = (optimizer > 0) | any("Backward" in event.name for event in ranges)
    return table


def _inside(spans: Spans, parts: Spans) -> npt.NDArray[np.int64]:
    """Nanoseconds of ``parts``, which do not overlap, in each of the spans."""
    shared = np.minimum(spans[:, None, 1], parts[None, :, 1]) - np.maximum(spans[:, None, 0], parts[None, :, 0])
    found: npt.NDArray[np.int64] = np.maximum(shared, 0).sum(axis=1)
    return found
