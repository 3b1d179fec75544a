"""Reads a run folder into a Recording."""

from __future__ import annotations

from pathlib import Path

from . import parts
from .device_waits import name_device_waits
from .folder import read_run
from .loaders import join_loaders
from .model import DEVICE_COLUMNS, RECORD_TABLES, Process, Recording, Records, Table
from .native_calls import return_time_of_operators
from .notes import read_facts
from .stretches import ESTIMATED, empty_rows, expanded


def load(run_dir: Path) -> Recording:
    """The whole recording of a run folder. Raises RunError naming a file that cannot be read."""
    run = read_run(run_dir)
    facts = read_facts(run_dir)
    rows = {name: column.dtype for name, column in empty_rows().items()}
    steps = parts.read(run_dir, "steps", rows, {ESTIMATED: 0})
    records = {name: parts.read_records(run_dir, name) for name in RECORD_TABLES}
    device = parts.read(run_dir, "device", DEVICE_COLUMNS, {"site": 0})
    for process in facts.processes:
        process.host = process.host or str(run.get("machine", {}).get("hostname", ""))
        if process.clock_offset_ns:
            tables: list[Table | Records] = [steps, device, *records.values()]
            for table in tables:
                _move(table, process)
    recording = Recording(
        run=run,
        facts=facts,
        steps=steps,
        host=parts.read_samples(run_dir, "host", ("time_ns",)),
        gpu=parts.read_samples(run_dir, "gpu", ("time_ns", "index"), ("utilization",)),
        device=device,
        servers=parts.read_samples(run_dir, "servers", ("time_ns", "server")),
        tasks=parts.read_tasks(run_dir),
        started_ns=run["started_ns"],
        ended_ns=run.get("ended_ns") or run["started_ns"],
        dropped_records=run.get("dropped_records", 0),
        written_records=run.get("written_records", 0),
        full_steps=None,
        totals={(process, phase, outer): (count, ns) for process, phase, outer, count, ns in run.get("totals", ())},
        **records,
    )
    join_loaders(recording)
    recording.steps, recording.full_steps = expanded(recording.steps)
    return_time_of_operators(recording)
    name_device_waits(recording)
    return recording


def _move(table: Table | Records, process: Process) -> None:
    """Move the times of a process to the supervisor's clock, in place."""
    mine = table["process"] == process.index
    for column in ("t0", "t1"):
        table[column][mine] += process.clock_offset_ns
