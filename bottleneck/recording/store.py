"""The run folder on disk: parts of tables, facts, run.json. Writing and reading, with errors that name the file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..capture import resume
from ..capture.drain import Drain
from ..capture.steps import empty_steps
from ..enrich.loaders import join_loaders
from . import parts
from .folder import read_run, reason
from .model import DEVICE_COLUMNS, RECORD_DTYPE, Process, Recording, Records
from .notes import FACTS, append_notes, read_facts

RECORD_TABLES = ("events", "samples", "stacks", "requests")
MAX_ROWS = 1_000_000  # rows a record table keeps; beyond it, a uniform sample, and the count says so


@dataclass
class Writer:
    """Appends parts to the tables of one run; stops, and says so once, when the disk is full."""

    run_dir: Path
    problem: str = ""
    part: int = 0
    _rows: dict[str, int] = field(default_factory=dict)
    _facts: int = 0

    def append(self, drain: Drain, host: list[dict[str, Any]], gpu: list[dict[str, Any]], final: bool = False) -> None:
        """Write what the drain has accumulated as one part of each table. Never raises OSError."""
        steps, records = drain.take(final)
        self.part += 1
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
            facts = self.run_dir / FACTS
            resume.save(drain, self.part, facts.stat().st_size if facts.exists() else 0)
        except OSError as error:
            if not self.problem:
                self.problem = f"recording stopped: cannot write {self.run_dir}: {reason(error)}"
        drain.discard()

    def _cap(self, name: str, rows: Records) -> Records:
        seen = self._rows.get(name, 0)
        self._rows[name] = seen + len(rows)
        if seen + len(rows) <= MAX_ROWS:
            return rows
        # Past the limit the share kept falls as 1/n: a uniform thinning in time order, enough for shares and tails.
        step = max(2, 2 * (seen + len(rows)) // MAX_ROWS)
        return rows[::step]

    def _write(self, name: str, table: pa.Table) -> None:
        path = self.run_dir / "tables" / f"{name}-{self.part:05d}.parquet"
        part = path.with_suffix(".part")
        try:
            pq.write_table(table, part, compression="zstd", write_page_checksum=True)
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def load(run_dir: Path) -> Recording:
    """The whole recording of a run folder. Raises RunError naming the file that cannot be read."""
    run = read_run(run_dir)
    facts = read_facts(run_dir)
    steps = parts.read(run_dir, "steps", {name: column.dtype for name, column in empty_steps().items()})
    records = {name: parts.read_records(run_dir, name) for name in RECORD_TABLES}
    seen = [steps["process"], *(table["process"] for table in records.values())]
    highest = max((int(column.max()) for column in seen if len(column)), default=-1)
    for index in range(len(facts.processes), highest + 1):  # its notes could not be written
        facts.processes.append(Process(index=index, pid=0))
    recording = Recording(
        run=run,
        facts=facts,
        steps=steps,
        host=parts.read_samples(run_dir, "host", ("time_ns",)),
        gpu=parts.read_samples(run_dir, "gpu", ("time_ns", "index"), ("utilization",)),
        device=parts.read(run_dir, "device", DEVICE_COLUMNS),
        started_ns=run["started_ns"],
        ended_ns=run.get("ended_ns") or run["started_ns"],
        dropped_records=run.get("dropped_records", 0),
        written_records=run.get("written_records", 0),
        totals={(process, phase, outer): (count, ns) for process, phase, outer, count, ns in run.get("totals", ())},
        **records,
    )
    join_loaders(recording)
    return recording
