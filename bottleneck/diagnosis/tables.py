"""What each traced device did, as tables: kernels, idle time by cause, communication beside computing; and the stages
of a Spark application. Pure.

Columns by name, all of one length. Times in seconds, shares from 0 to 1; None where a trace does not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..artifacts import Artifacts, Missing
from ..artifacts.device.window import IDLE_CAUSES, idle_by_cause
from ..artifacts.spark.application import Spark, Stage
from ..recording.facts import DeviceTrace, DeviceWindow
from ..recording.model import DEVICE_KINDS, DEVICE_WORK, Recording, Table
from .devices import device_uses, waiting_of
from .model import KernelUse

Columns = dict[str, list[Any]]

KERNELS = ("rank", "device", "kind", "name", "count", "seconds", "mean_seconds", "max_seconds", "share")
IDLE = (
    "rank",
    "device",
    "window_seconds",
    "busy_seconds",
    "idle_seconds",
    *(f"idle_{each}_seconds" for each in IDLE_CAUSES),
)
COMMUNICATION = (
    "rank", "device", "communication_seconds", "hidden_seconds", "exposed_seconds", "hidden_share",
)  # fmt: skip
STAGES = (
    "stage", "attempt", "does", "file", "line", "tasks", "failed_tasks", "wall_seconds", "own_seconds", "task_seconds",
    "median_seconds", "max_seconds", "run_seconds", "cpu_seconds", "gc_seconds", "fetch_seconds", "write_seconds",
    "read_bytes", "written_bytes", "shuffle_read_bytes", "shuffle_write_bytes", "spilled_bytes",
)  # fmt: skip


def device_tables(recording: Recording) -> dict[str, Columns]:
    """``kernels``: each kernel, copy and collective of each device, those with the most time first; ``idle``: busy and
    idle time, the latter by cause (input, copy, sync, launch, host: see ``launch-bound`` and ``sync-point``);
    ``communication``: how much of it computing hides. Without rows where no device was traced."""
    kernels, idle = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    for process, window, trace, table in _traced(recording):
        rank = recording.facts.processes[process].rank
        for device in _devices(table):
            kernels += [(rank, device, *row) for row in _kernels(table, device, trace.names, window)]
            idle.append((rank, device, *_idle(recording, process, table, device, window)))
    kernels.sort(key=lambda row: (row[0] is None, row[0] or 0, row[1], -row[KERNELS.index("seconds")]))
    return {
        "kernels": _columns(KERNELS, kernels),
        "idle": _columns(IDLE, idle),
        "communication": _columns(COMMUNICATION, _communication(recording)),
    }


def stage_table(recording: Recording) -> Columns:
    """The stages of a Spark application, those with the most time first; without rows where there is none."""
    try:
        stages = Artifacts(recording).get(Spark).stages
    except Missing:
        stages = ()
    return _columns(STAGES, [_stage(stage) for stage in stages])


def _stage(stage: Stage) -> tuple[Any, ...]:
    fact, site, tasks = stage.fact, stage.site, stage.tasks
    wall = None if fact.t1 is None else (fact.t1 - fact.t0) / 1e9
    sums = (float(tasks[column].sum()) / 1e3 for column in ("run_ms", "cpu_ms", "gc_ms", "fetch_ms", "write_ms"))
    amounts = (
        int(tasks[column].sum()) for column in ("read", "written", "shuffle_read", "shuffle_write", "spilled_disk")
    )
    where = (None, None) if site is None else (site.file, site.line)
    return (
        fact.id, fact.attempt, stage.does, *where, len(tasks), int((~stage.good).sum()), wall, stage.own_seconds,
        float(stage.seconds.sum()), float(np.median(stage.seconds)), float(stage.seconds.max()), *sums, *amounts,
    )  # fmt: skip


def kernel_uses(recording: Recording) -> list[KernelUse]:
    """What all devices did, each kernel, copy and collective once, those with most time first."""
    found: dict[tuple[str, str], tuple[int, float, float]] = {}
    for _, window, trace, table in _traced(recording):
        for device in _devices(table):
            for kind, name, count, seconds, _, longest, _ in _kernels(table, device, trace.names, window):
                before = found.get((kind, name), (0, 0.0, 0.0))
                found[kind, name] = (before[0] + count, before[1] + seconds, max(before[2], longest))
    whole = sum(seconds for _, seconds, _ in found.values()) or 1.0
    uses = [KernelUse(name, kind, n, s, longest, s / whole) for (kind, name), (n, s, longest) in found.items()]
    return sorted(uses, key=lambda use: -use.seconds)


def _traced(recording: Recording) -> Iterator[tuple[int, DeviceWindow, DeviceTrace, Table]]:
    """Each traced process with its rows of the table ``device``."""
    if not recording.device:
        return
    order = np.argsort(recording.device["process"], kind="stable")
    owners = recording.device["process"][order]
    for process, window in recording.facts.of(DeviceWindow):
        trace = next(iter(recording.facts.of_process(DeviceTrace, process)), None)
        begin, end = np.searchsorted(owners, [process, process + 1])
        if trace is None or trace.problem or window.problem:
            continue
        if begin < end and window.t1 > window.t0:
            table = {name: column[order[begin:end]] for name, column in recording.device.items()}
            yield process, window, trace, table


def _devices(table: Table) -> list[int]:
    found: list[int] = np.unique(table["device"][table["kind"] < len(DEVICE_WORK)]).tolist()
    return found


def _columns(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Columns:
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


def _kernels(table: Table, device: int, names: list[str], window: DeviceWindow) -> list[tuple[Any, ...]]:
    mine = (table["device"] == device) & (table["t1"] > window.t0) & (table["t0"] < window.t1)
    keys, which, counts = np.unique(
        table["name"][mine].astype(np.int64) * len(DEVICE_KINDS) + table["kind"][mine],
        return_inverse=True,
        return_counts=True,
    )
    seconds = (table["t1"][mine] - table["t0"][mine]) / 1e9
    sums, longest = np.bincount(which, weights=seconds, minlength=len(keys)), np.zeros(len(keys))
    np.maximum.at(longest, which, seconds)
    whole = float(sums.sum()) or 1.0
    return [
        (
            DEVICE_KINDS[key % len(DEVICE_KINDS)],
            names[key // len(DEVICE_KINDS)] if key // len(DEVICE_KINDS) < len(names) else "",
            count,
            total,
            total / count,
            most,
            total / whole,
        )
        for key, count, total, most in zip(keys.tolist(), counts.tolist(), sums.tolist(), longest.tolist(), strict=True)
    ]


def _idle(recording: Recording, process: int, table: Table, device: int, window: DeviceWindow) -> tuple[Any, ...]:
    _, _, causes = idle_by_cause(table, device, window.t0, window.t1, waiting_of(recording, process))
    length, idle = (window.t1 - window.t0) / 1e9, sum(causes.values())
    return (length, length - idle, idle, *causes.values())


def _communication(recording: Recording) -> list[tuple[Any, ...]]:
    found = []
    for use in device_uses(recording):
        whole, exposed = use.communication_seconds, use.exposed_communication_seconds
        if whole is not None and exposed is not None:  # of a device that was traced
            hidden = whole - exposed
            found.append((use.rank, use.index, whole, hidden, exposed, hidden / whole if whole else None))
    return found
