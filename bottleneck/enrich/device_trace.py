"""Converts the trace of the device window, as exported by torch.profiler, into the table ``device``.

The trace and the recording use different clocks. Annotations in the trace, whose times the child also noted on our
clock, give the offset.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .. import signals
from ..recording import columns, torch_traces
from ..recording.facts import DeviceTrace, DeviceWindow
from ..recording.model import Recording, Table

_MAX_BYTES = 1 << 29


class TraceError(Exception):
    """A trace that cannot be used; the message is one sentence."""


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
            columns.write(table, run_dir / "tables" / f"device-{part:05d}.parquet")
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
        trace = torch_traces.read_trace(path)
    except ValueError as error:
        raise TraceError(f"The trace of the device window is damaged: {error}.") from None
    if trace.problems:
        raise TraceError(f"The trace of the device window is damaged: {trace.problems[0]}.")
    clock = trace.clock
    if not clock or len(clock) != len(clocks):
        raise TraceError("The trace of the device window has another clock: its marks are missing.")
    ours = [(before + after) / 2 for before, after in clocks]
    base = clock[0]
    shift = statistics.median(mine - 1e3 * (theirs - base) for mine, theirs in zip(ours, clock, strict=True))
    table, names = trace.table(process, base, shift)
    return table, DeviceTrace(names, trace.devices)
