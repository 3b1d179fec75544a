"""Writes a recording that was made from another tool's files as a run folder."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ..files import reason, write_json
from ..signals import LIVE
from . import columns
from .facts import CallSite, Fact, Hello
from .folder import VERSION, RunError
from .model import TASK_DTYPE, Recording, Table
from .notes import append_facts
from .write import MAX_ROWS, Writer


def store(run_dir: Path, recording: Recording) -> None:
    """Write all tables, facts and run.json of ``recording`` to the new folder ``run_dir``. Raises RunError."""
    facts: list[tuple[int, Fact]] = [
        (each.index, Hello(each.pid, each.parent_pid, each.hello_ns, each.role, each.python, each.rank, each.host))
        for each in recording.facts.processes
    ]
    facts += [
        (process, CallSite(number, site.file, site.line, site.function))
        for (process, number), site in recording.facts.sites.items()
    ]
    try:
        Writer(run_dir).append(recording.steps, {"events": recording.events}, [], [], [])
        if len(recording.device.get("t0", ())):
            columns.write(recording.device, _part(run_dir, "device", 1))
        if len(recording.servers.get("time_ns", ())):
            write_servers(run_dir, recording.servers, 1)
        for part, begin in enumerate(range(0, len(recording.tasks), MAX_ROWS), 1):  # a part at a time is copied
            rows = recording.tasks[begin : begin + MAX_ROWS]
            columns.write({name: rows[name] for name in TASK_DTYPE.names or ()}, _part(run_dir, "tasks", part))
        append_facts(run_dir, [*facts, *recording.facts.notes])
        (run_dir / LIVE).rmdir()  # nothing will be recorded
        # run.json comes last: without it the folder is no run.
        identity = {"format": "bottleneck.run", "version": VERSION, "name": recording.run["command"]}
        write_json(run_dir / "run.json", {**identity, "started_wall_ns": time.time_ns(), **recording.run})
    except OSError as error:
        raise RunError(f"cannot write {error.filename or run_dir}: {reason(error)}") from None


def write_servers(run_dir: Path, table: Table, part: int) -> None:
    """Write a part of the table ``servers``; NaN is no value there. Raises OSError."""
    whole = ("time_ns", "server")
    found = {
        name: column if name in whole else columns.to_arrow(column, ~np.isnan(column)) for name, column in table.items()
    }
    columns.write(found, _part(run_dir, "servers", part))


def _part(run_dir: Path, table: str, number: int) -> Path:
    return run_dir / "tables" / f"{table}-{number:05d}.parquet"
