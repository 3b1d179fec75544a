"""The notes of a run, ``tables/facts.jsonl``: one line [process index, kind, fields] each. Writing and reading."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import signals
from .folder import damaged
from .model import Facts, Frame, Process, Site
from .shapes import NOTES, check

FACTS = Path("tables") / "facts.jsonl"
MAX_PROCESSES = 1 << 15  # the tables keep the index in two bytes
Note = tuple[int, str, dict[str, Any]]


def append_notes(run_dir: Path, notes: Sequence[Note]) -> None:
    """Add notes (process index, kind, fields) to the facts of a run, all or none. Raises OSError."""
    if not notes:
        return
    path = run_dir / FACTS
    before = path.stat().st_size if path.exists() else 0
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(note) + "\n" for note in notes)
    except OSError:
        if path.exists():
            os.truncate(path, before)  # half a line would make the whole file unreadable
        raise


def read_facts(run_dir: Path) -> Facts:
    """The facts of a run; a line that is not what it should be is counted and left out. Raises RunError."""
    path = run_dir / FACTS
    notes: list[Note] = []
    unreadable = 0
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise damaged(path, error) from None
    for line in lines:
        try:
            notes.append(_note(json.loads(line.decode("utf-8", "replace"))))
        except (ValueError, RecursionError):
            unreadable += 1
    facts = facts_of(notes)
    facts.unreadable = unreadable
    return facts


def _note(value: Any) -> Note:
    check(value, tuple[int, str, dict[str, Any]])
    process, kind, fields = value
    if not 0 <= process < MAX_PROCESSES:
        raise ValueError(f"no process has the number {process}")
    if kind in NOTES:
        check(fields, NOTES[kind])
    return process, kind, fields


def facts_of(notes: list[Note]) -> Facts:
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
            if kind == "ddp" and process.rank is None:  # started by the program itself, not by a launcher
                process.rank = int(fields["rank"])
            facts.notes.append((index, kind, fields))
    return facts
