"""Traces that torch.profiler exported: Chrome JSON by Kineto, plain or compressed with gzip or zstd.

A file is one rank, a folder of files is the ranks of one job. Steps are the ``ProfilerStep#`` ranges, or else what lies
between two optimizer steps, or between two batches of a DataLoader. The rest of a trace is not read: it may hold the
whole environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..files import reason
from ..recording.folder import RunError
from ..recording.intervals import overlap
from ..recording.model import Recording, Table
from ..recording.torch_traces import Trace, read_trace
from ..recording.trace_columns import NEXT_BATCH, OPTIMIZER_STEP, RANGE, STEP, Events
from ..recording.trace_files import Progress, start_of
from ._ranks import Rank, data_waits, joined, read_each, step_rows
from ._reading import ONE_BY_ONE, Reading
from ._steps import NO_STEPS, between, from_kernels, from_ranges

name = "torch.profiler trace"

_START = 1 << 19  # bytes that show what a file is
_SPACE = b" \t\r\n\xef\xbb\xbf"
_KEYS = (b'"schemaVersion"', b'"deviceProperties"', b'"traceEvents"', b'"baseTimeNanoseconds"')
_EVENT_KEYS = (b'"ph"', b'"ts"', b'"name"')
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


def read_many(paths: Sequence[Path], how: Reading = ONE_BY_ONE) -> Recording:
    """The same for the traces of one job, files and folders. Raises RunError only if none can be read."""
    files = [each for path in paths for each in (_files(path) if path.is_dir() else [path])]
    found, notes = read_each(paths, files, _ranks, how)
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
    return [each for each in sorted(folder.iterdir()) if _is_trace(each)]


def _is_trace(path: Path) -> bool:
    try:
        start = start_of(path, _START).lstrip(_SPACE) if path.is_file() else b""
    except OSError:
        return False
    if start.startswith(b"["):
        return all(key in start for key in _EVENT_KEYS)
    return start.startswith(b"{") and any(key in start for key in _KEYS)


# --- one file ---------------------------------------------------------------------------------------------------------
def _ranks(path: Path, progress: Progress | None) -> list[Rank]:
    trace = _trace(path, progress)
    if not len(trace.events):
        raise RunError(f"{path} holds no operations or kernels")
    base = trace.begin
    end = round((trace.end - base) * 1e3)
    nexts = trace.named(NEXT_BATCH)
    batches = _spans(nexts, base)
    device, names = trace.table(0, base, 0.0)
    marked = _spans(trace.named(STEP), base)
    spans = marked if len(marked) else _unmarked(trace, batches, device, base, end)
    steps = _steps(trace, spans, batches, base)
    window = (int(marked[:, 0].min()), int(marked[:, 1].max())) if len(marked) else (0, end)
    begin = trace.begin_ns + round(base * 1e3)
    notes = [] if len(spans) or not len(device["t0"]) else [NO_STEPS]
    notes += [f"{path} is used as far as it goes: {problem}." for problem in trace.problems]
    waits = data_waits(batches, nexts["site"])
    found = Rank(path, trace.rank, begin, end, window, steps, waits, device, names, trace.devices, notes, trace.sites)
    found.world_size = trace.world_size
    return [found]


def _trace(path: Path, progress: Progress | None) -> Trace:
    try:
        return read_trace(path, progress)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {reason(error)}") from None
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from None


def _spans(events: Events, base: float) -> Spans:
    edges = np.column_stack([events["ts"] - base, events["ts"] + events["dur"] - base]) * 1e3
    found: Spans = edges.round().astype(np.int64)
    return found


def _unmarked(trace: Trace, batches: Spans, device: Table, base: float, length: int) -> Spans:
    """Steps between two updates, or two batches, or what else repeats; none if nothing does."""
    updates = _spans(trace.named(OPTIMIZER_STEP), base)
    for ends in (updates[:, 1], batches[:, 1]):
        if len(ends) >= _LEAST:
            return between(ends)
    ranges = trace.of(RANGE)
    names, edges = [trace.labels[label].name for label in ranges["label"].tolist()], _spans(ranges, base)
    found = from_ranges(names, ranges["lane"], edges[:, 0], edges[:, 1], length)
    return found if len(found) else from_kernels(device)


def _steps(trace: Trace, spans: Spans, batches: Spans, base: float) -> Table:
    """The step rows, with the times in them that are known."""
    updates = _spans(trace.named(OPTIMIZER_STEP), base)
    table = step_rows(spans)
    if not len(spans):
        return table
    wait, optimizer = (_inside(spans, each) for each in (batches, updates))
    other = np.maximum(spans[:, 1] - spans[:, 0] - wait - optimizer, 0)
    for column, nanoseconds in (("data_wait", wait), ("optimizer", optimizer), ("other", other)):
        table[column] = (nanoseconds // 1000).astype("i4")
    table["optimized"] = optimizer > 0
    table["trained"] = (optimizer > 0) | any("Backward" in label.name for label in trace.labels)
    return table


def _inside(spans: Spans, parts: Spans) -> npt.NDArray[np.int64]:
    """Nanoseconds of ``parts``, which do not overlap, in each of the spans."""
    found: npt.NDArray[np.int64] = overlap(spans, parts).round().astype(np.int64)
    return found
