"""Writes the tables and facts of a run folder, part by part."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import columns
from .model import RECORD_DTYPE, Records, Table
from .notes import FACTS, Note, append_notes

MAX_ROWS = 1_000_000  # most rows kept in a record table; beyond that, a uniform sample, and the count says so


@dataclass
class Writer:
    """Appends parts to the tables of one run. ``part``: the number of the last part."""

    run_dir: Path
    part: int = 0
    _rows: dict[str, int] = field(default_factory=dict)

    def append(
        self,
        steps: Table,
        records: Mapping[str, Records],
        host: list[dict[str, Any]],
        gpu: list[dict[str, Any]],
        notes: Sequence[Note],
    ) -> None:
        """Write one part of each table that has rows, then the notes. Raises OSError, keeping what is written."""
        self.part += 1
        if len(steps["t0"]):
            self._write("steps", steps)
        for name, rows in records.items():
            kept = self._cap(name, rows)
            self._write(name, {column: kept[column] for column in RECORD_DTYPE.names or ()})
        for name, samples in (("host", host), ("gpu", gpu)):
            if samples:
                self._write(name, {key: columns.measured([row.get(key) for row in samples]) for key in samples[0]})
        append_notes(self.run_dir, notes)

    def facts_bytes(self) -> int:
        """Current size of the notes."""
        path = self.run_dir / FACTS
        return path.stat().st_size if path.exists() else 0

    def _cap(self, name: str, rows: Records) -> Records:
        seen = self._rows.get(name, 0)
        self._rows[name] = seen + len(rows)
        if seen + len(rows) <= MAX_ROWS:
            return rows
        # Past the limit, the kept share falls as 1/n: thinned uniformly over time, which is enough for shares and
        # tails.
        step = max(2, 2 * (seen + len(rows)) // MAX_ROWS)
        return rows[::step]

    def _write(self, name: str, table: Mapping[str, Any]) -> None:
        path = self.run_dir / "tables" / f"{name}-{self.part:05d}.parquet"
        part = path.with_suffix(".part")
        try:
            columns.write(table, part)
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
