"""Completes a run whose recorder was killed: reads the rest from its rings and ends the run at its last record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..files import reason, write_json
from ..recording.columns import to_numpy
from ..recording.folder import RunError, damaged, in_progress, read_run
from ..recording.model import RECORD_TABLES
from ..recording.notes import FACTS
from ..recording.write import Writer
from ..signals import LIVE
from . import resume
from .drain import Drain
from .saver import Saver

NOTE = "The recording was cut off: it was killed before the program ended. The run is shown up to its last record."
_TIMES = {"steps": "t1", "host": "time_ns", **dict.fromkeys(RECORD_TABLES, "t1")}


def recover(run_dir: Path) -> bool:
    """Complete a run that was cut off; False if there is nothing to do. Raises RunError, also while it is recording."""
    run = read_run(run_dir)
    if run.get("ended_ns") is not None:
        return False
    if in_progress(run_dir):
        raise RunError(f"{run_dir} is still being recorded; `bottleneck report --live` shows what there is so far")
    read_rings(run_dir, {**run, "notes": [*run.get("notes", []), NOTE]})
    return True


def read_rings(run_dir: Path, run: dict[str, Any]) -> None:
    """Complete a run folder from its rings. ``run``: the content of run.json at the start. Raises RunError.

    Where the rings are gone, the tables are all there is: they stay as they are.
    """
    try:
        if not (run_dir / LIVE).is_dir():
            end = _end(run_dir, run, Drain(run_dir))
            write_json(run_dir / "run.json", {**end, **run, "ended_ns": end["ended_ns"]})
            return
        drain, part, facts_bytes = resume.restore(run_dir)
        _cut(run_dir, part, facts_bytes)
        drain.poll(everything=True)
        drain.retire()
        saver = Saver(drain, Writer(run_dir, part))
        saver.save([], [], final=True)
        if saver.problem:
            raise RunError(saver.problem)
        write_json(run_dir / "run.json", {**run, **_end(run_dir, run, drain)})
        resume.forget(run_dir)
    except OSError as error:
        raise RunError(f"cannot write {error.filename or run_dir}: {reason(error)}") from None


def _cut(run_dir: Path, part: int, facts_bytes: int) -> None:
    """Remove what was written after the drain's state was last saved: those records are read from the rings again."""
    for path in (run_dir / "tables").glob("*-*.parquet"):
        number = path.stem.rpartition("-")[2]
        if number.isdigit() and int(number) > part:
            path.unlink()
    if (run_dir / FACTS).exists():
        os.truncate(run_dir / FACTS, facts_bytes)


def _end(run_dir: Path, run: dict[str, Any], drain: Drain) -> dict[str, Any]:
    times = [int(run["started_ns"])]
    times += [int(fields["time_ns"]) for _, _, fields in drain.notes if isinstance(fields.get("time_ns"), int)]
    for path in (run_dir / "tables").glob("*.parquet"):
        column = _TIMES.get(path.stem.rpartition("-")[0])
        if column is not None:
            times.append(_last(path, column))
    return {
        "ended_ns": max(times),
        "notes": [*run.get("notes", []), *drain.problems, *drain.skipped],
        "dropped_records": drain.dropped,
        "written_records": drain.written,
        "totals": [[*key, *value] for key, value in drain.totals.items()],
    }


def _last(path: Path, column: str) -> int:
    try:
        parts = map(to_numpy, pq.read_table(path, columns=[column])[column].chunks)
        return max((int(part.max()) for part in parts if len(part)), default=0)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise damaged(path, error) from None
