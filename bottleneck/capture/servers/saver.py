"""Writes a watch to a run folder, part by part, so that a watch that is killed is a run up to its last part."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...addresses import public
from ...files import write_json
from ...recording.folder import VERSION, hold
from ...recording.notes import append_facts
from ...recording.servers.signals import COLUMNS
from ...recording.store import write_servers
from ...signals import LIVE
from .watch import Look, Watch

_ROWS, _SECONDS = 20_000, 300.0  # of a part: the larger parts are, the better they are compressed
_FIRST_SECONDS = 10.0  # of the first part: after it, a watch that is killed leaves something


@dataclass
class WatchFolder:
    """The run folder of a watch. ``started_ns``, ``started_wall_ns``: of its beginning."""

    run_dir: Path
    watch: Watch
    started_ns: int
    started_wall_ns: int
    parts: int = 0
    _rows: list[dict[str, float | int]] = field(default_factory=list)
    _written_ns: int = 0

    def __post_init__(self) -> None:
        hold(self.run_dir)
        self._written_ns = self.started_ns

    def add(self, look: Look) -> None:
        """Keep the rows of a look. Raises OSError when a part cannot be written."""
        self._rows += look.rows
        waited = (look.time_ns - self._written_ns) / 1e9
        if len(self._rows) >= _ROWS or waited >= (_SECONDS if self.parts else _FIRST_SECONDS):
            self._write(look.time_ns)

    def end(self, ended_ns: int) -> None:
        """Write what is left. Raises OSError."""
        self._write(ended_ns)
        shutil.rmtree(self.run_dir / LIVE, ignore_errors=True)

    def _write(self, now_ns: int) -> None:
        append_facts(self.run_dir, [(0, fact) for fact in self.watch.take_facts()])
        if self._rows:
            self.parts += 1
            write_servers(self.run_dir, _table(self._rows), self.parts)
            self._rows = []
        self._written_ns = now_ns
        # run.json comes last: without it the folder is no run.
        write_json(self.run_dir / "run.json", self._run(now_ns))

    def _run(self, now_ns: int) -> dict[str, Any]:
        return {
            "format": "bottleneck.run",
            "version": VERSION,
            "name": "watch",
            "command": " ".join(["watch", *map(public, self.watch.urls)]),
            "watched": True,
            "started_ns": self.started_ns,
            "ended_ns": max(now_ns, self.started_ns),
            "started_wall_ns": self.started_wall_ns,
            "notes": self.watch.notes(),
        }


def _table(rows: Sequence[dict[str, float | int]]) -> dict[str, Any]:
    table: dict[str, Any] = {name: np.array([row[name] for row in rows], "i8") for name in ("time_ns", "server")}
    for name in COLUMNS:
        if any(name in row for row in rows):
            table[name] = np.array([row.get(name, np.nan) for row in rows], float)
    return table
