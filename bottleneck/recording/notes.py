"""Writes and reads a run's notes, ``tables/facts.jsonl``: one line [process index, kind, fields] each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .facts import Fact, Hello, fact_of, fields_of
from .facts.clock import moved
from .folder import damaged
from .model import Facts

FACTS = Path("tables") / "facts.jsonl"
MAX_PROCESSES = 1 << 15  # the tables store the index in two bytes
Note = tuple[int, str, dict[str, Any]]


def append_notes(run_dir: Path, notes: Sequence[Note]) -> None:
    """Append notes (process index, kind, fields) to the facts of a run, all or none. Raises OSError."""
    if not notes:
        return
    path = run_dir / FACTS
    before = path.stat().st_size if path.exists() else 0
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(note) + "\n" for note in notes)
    except OSError:
        if path.exists():
            os.truncate(path, before)  # a partial line would make the whole file unreadable
        raise


def append_facts(run_dir: Path, facts: Iterable[tuple[int, Fact]]) -> None:
    """Append (process index, fact) pairs to the facts of a run, all or none. Raises OSError."""
    append_notes(run_dir, [(process, fact.kind, fields_of(fact)) for process, fact in facts])


def read_facts(run_dir: Path) -> Facts:
    """The facts of a run; malformed lines are counted and left out. Raises RunError."""
    path = run_dir / FACTS
    facts = Facts()
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise damaged(path, error) from None
    for line in lines:
        try:
            process, kind, fields = _note(json.loads(line.decode("utf-8", "replace")))
            fact = fact_of(kind, fields)
        except (ValueError, RecursionError):
            facts.unreadable += 1
            continue
        if fact is None:
            facts.unknown[kind] += 1
        else:
            offset_ns = fact.clock_offset_ns if isinstance(fact, Hello) else facts.ensure(process).clock_offset_ns
            facts.add(process, moved(fact, offset_ns))
    return facts


def _note(value: Any) -> Note:
    process, kind, fields = msgspec.convert(value, Note)
    if not 0 <= process < MAX_PROCESSES:
        raise ValueError(f"no process has the number {process}")
    return process, kind, fields
