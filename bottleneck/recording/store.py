"""The run folder on disk: parts of tables, facts, run.json. Writing and reading, with errors that name the file."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .. import signals
from ..timeline.tables import RECORD_DTYPE, Facts, Frame, Process, Recording, Records, Site, Table
from .drain import Drain
from .folder import RunError, read_run
from .loaders import join_loaders
from .steps import empty_steps

RECORD_TABLES = ("events", "samples", "stacks", "requests")
MAX_ROWS = 1_000_000  # rows a record table keeps; beyond it, a uniform sample, and the count says so


def append_notes(run_dir: Path, notes: Sequence[tuple[int, str, dict[str, Any]]]) -> None:
    """Add notes (process index, kind, fields) to the facts of a run. Raises OSError."""
    if notes:
        with open(run_dir / "tables" / "facts.jsonl", "a", encoding="utf-8") as file:
            file.writelines(json.dumps(note) + "\n" for note in notes)


@dataclass
class Writer:
    """Appends parts to the tables of one run; stops, and says so once, when the disk is full."""

    run_dir: Path
    problem: str = ""
    _part: int = 0
    _rows: dict[str, int] = field(default_factory=dict)
    _facts: int = 0

    def append(self, drain: Drain, host: list[dict[str, Any]], gpu: list[dict[str, Any]], final: bool = False) -> None:
        """Write what the drain has accumulated as one part of each table. Never raises OSError."""
        steps, records = drain.take(final)
        self._part += 1
        try:
            if len(steps["t0"]):
                self._write("steps", pa.table(steps))
            for name, rows in records.items():
                kept = self._cap(name, rows)
                self._write(name, pa.table({column: kept[column] for column in RECORD_DTYPE.names or ()}))
            for name, samples in (("host", host), ("gpu", gpu)):
                if samples:
                    self._write(name, pa.Table.from_pylist(samples))
            notes = drain.notes[self._facts :]
            append_notes(self.run_dir, notes)
            self._facts = len(drain.notes)
        except OSError as error:
            if not self.problem:
                self.problem = f"recording stopped: cannot write {self.run_dir}: {error.strerror or error}"

    def _cap(self, name: str, rows: Records) -> Records:
        seen = self._rows.get(name, 0)
        self._rows[name] = seen + len(rows)
        if seen + len(rows) <= MAX_ROWS:
            return rows
        # Past the limit the share kept falls as 1/n: a uniform thinning in time order, enough for shares and tails.
        step = max(2, 2 * (seen + len(rows)) // MAX_ROWS)
        return rows[::step]

    def _write(self, name: str, table: pa.Table) -> None:
        path = self.run_dir / "tables" / f"{name}-{self._part:05d}.parquet"
        part = path.with_suffix(".part")
        pq.write_table(table, part, compression="zstd")
        os.replace(part, path)


def load(run_dir: Path) -> Recording:
    """The whole recording of a run folder. Raises RunError naming the file that cannot be read."""
    run = read_run(run_dir)
    tables = {name: _records(run_dir, name) for name in RECORD_TABLES}
    totals = {(int(p), int(a), int(b)): (int(n), int(ns)) for p, a, b, n, ns in run.get("totals", [])}
    recording = Recording(
        run=run,
        facts=_facts(run_dir),
        steps=_table(run_dir, "steps") or empty_steps(),
        host=_table(run_dir, "host"),
        gpu=_table(run_dir, "gpu"),
        started_ns=int(run["started_ns"]),
        ended_ns=int(run.get("ended_ns") or run["started_ns"]),
        dropped_records=int(run.get("dropped_records", 0)),
        written_records=int(run.get("written_records", 0)),
        totals=totals,
        **tables,
    )
    join_loaders(recording)
    return recording


def _table(run_dir: Path, name: str) -> Table:
    parts = []
    for path in sorted((run_dir / "tables").glob(f"{name}-*.parquet")):
        try:
            parts.append(pq.read_table(path))
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{path} is damaged: {str(error).splitlines()[0]}") from None
    if not parts:
        return {}
    table = pa.concat_tables(parts, promote_options="permissive")
    return {column: table[column].to_numpy() for column in table.column_names}


def _records(run_dir: Path, name: str) -> Records:
    table = _table(run_dir, name)
    count = len(table["t0"]) if table else 0
    records = np.empty(count, RECORD_DTYPE)
    for column in RECORD_DTYPE.names or ():
        if table and column not in table:
            raise RunError(f"{run_dir / 'tables'}/{name}-*.parquet has no column {column}")
        if table:
            records[column] = table[column]
    return records[np.argsort(records["t1"], kind="stable")]


def _facts(run_dir: Path) -> Facts:
    facts = Facts()
    path = run_dir / "tables" / "facts.jsonl"
    if not path.exists():
        return facts
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        notes = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}") from None
    return facts_of([(int(p), str(kind), dict(fields)) for p, kind, fields in notes])


def facts_of(notes: list[tuple[int, str, dict[str, Any]]]) -> Facts:
    """Sort the notes of all side files into ``Facts``."""
    facts = Facts()
    for index in range(max((p for p, _, _ in notes), default=-1) + 1):
        facts.processes.append(Process(index=index, pid=0))
    for index, kind, fields in notes:
        process = facts.processes[index]
        if kind == "hello":
            process.pid, process.parent_pid = int(fields["pid"]), int(fields["ppid"])
            process.role, process.hello_ns = str(fields["role"]), int(fields["time_ns"])
            process.python = str(fields["python"])
            rank = fields.get("rank")
            process.rank = int(rank) if rank is not None and str(rank).isdigit() else None
        elif kind == "ready":
            process.ready_ns = int(fields["time_ns"])
        elif kind == "bye":
            process.bye_ns = int(fields["time_ns"])
        elif kind == "worker":
            process.role = signals.WORKER
            process.loader, process.worker = int(fields["loader"]), int(fields["worker"])
        elif kind == "string":
            facts.strings[index, fields["id"]] = fields["text"]
        elif kind == "site":
            facts.sites[index, fields["id"]] = Site(fields["file"], fields["line"], fields["function"])
        elif kind == "stack":
            facts.stacks[index, fields["id"]] = tuple(Frame(*frame) for frame in fields["frames"])
        elif kind == "loader":
            facts.loaders[index, fields["id"]] = fields
        elif kind == "attached":
            facts.attached.add(str(fields["collector"]))
        elif kind == "failed":
            facts.failed[str(fields["collector"])] = f"{fields['where']}: {fields['error']}"
        else:
            facts.notes.append((index, kind, fields))
    return facts
