"""Run folders of one job, recorded on several machines or rank by rank, joined to one recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .. import signals
from .facts.clock import moved
from .folder import RunError
from .model import RECORD_TABLES, Facts, Recording, Records, Table

V = TypeVar("V")
_APART_NS = 60_000_000_000  # runs of one job overlap; the clocks of two hosts may differ by so much


def ranks_of(recording: Recording) -> set[int]:
    """The ranks that were recorded."""
    known = recording.facts.processes
    return {each.rank for each in known if each.rank is not None and each.role == signals.MAIN}


def of_one_job(found: Sequence[tuple[Path, Recording]]) -> tuple[list[Recording], list[str]]:
    """The recordings that are ranks of the job of the first one, by their ranks, and a note on each that is left out.

    Raises RunError if none but the first is.
    """
    kept, notes = [found[0]], list[str]()
    for path, other in found[1:]:
        problem = next(filter(None, (_problem(first, one, other) for first, one in kept)), "")
        if problem:
            notes.append(f"{path} was left out: {problem}.")
        else:
            kept.append((path, other))
    if len(kept) == 1 and notes:
        raise RunError(notes[0].rstrip("."))
    kept.sort(key=lambda each: min(ranks_of(each[1])))
    return [recording for _, recording in kept], notes


def _problem(path: Path, first: Recording, other: Recording) -> str:
    """Why the other one cannot be a part of the same job; "" if it can."""
    mine, others = ranks_of(first), ranks_of(other)
    if not mine:
        return f"{path.name} has no ranks"
    if not others:
        return "none of its processes has a rank"
    if first.run.get("command") != other.run.get("command"):
        return f"it ran {other.run.get('command')}, and {path.name} {first.run.get('command')}"
    begin, end = (other.run.get("started_wall_ns", 0) + ns for ns in (0, other.ended_ns - other.started_ns))
    started = first.run.get("started_wall_ns", 0)
    if begin > started + first.ended_ns - first.started_ns + _APART_NS or end < started - _APART_NS:
        return f"it did not run at the same time as {path.name}"
    if mine & others:
        return f"{path.name} already holds rank {min(mine & others)}"
    return ""


def joined(recordings: Sequence[Recording], base: int, notes: Sequence[str] = ()) -> Recording:
    """One recording of all of them, on the clock and with the machine and accelerators of that numbered ``base``.

    Clocks are aligned by the time of day at which each run began.
    """
    main, facts = recordings[base], Facts()
    offsets = np.cumsum([0, *(len(each.facts.processes) for each in recordings)])[:-1].tolist()
    shifts = [_started_at(each) - _started_at(main) for each in recordings]
    for recording, first, shift in zip(recordings, offsets, shifts, strict=True):
        _add(facts, recording.facts, first, shift)
    parts = list(zip(recordings, offsets, shifts, strict=True))
    tables = {
        name: np.concatenate([_records(getattr(each, name), first, shift) for each, first, shift in parts])
        for name in RECORD_TABLES
    }
    machine = main.host_name or "one of the hosts"
    said = [*notes, f"Figures of the machine, its accelerators and their energy are those of {machine}."]
    said += [note for each in recordings for note in each.run.get("notes", ())]
    full = [each.full_steps for each in recordings]
    rows = [len(each.steps["t0"]) for each in recordings]
    return Recording(
        run={**main.run, "notes": list(dict.fromkeys(said)), "exit_code": _exit_code(recordings)},
        facts=facts,
        steps=_table([each.steps for each in recordings], offsets, shifts),
        host=main.host,
        gpu=main.gpu,
        servers=main.servers,
        started_ns=main.started_ns,
        ended_ns=main.ended_ns,
        dropped_records=sum(each.dropped_records for each in recordings),
        written_records=sum(each.written_records for each in recordings),
        full_steps=None if full == [None] * len(full) else sum(
            count if each is None else each for each, count in zip(full, rows, strict=True)
        ),
        totals={
            (process + first, phase, outer): total
            for each, first in zip(recordings, offsets, strict=True)
            for (process, phase, outer), total in each.totals.items()
        },
        device=_table([each.device for each in recordings], offsets, shifts),
        **tables,
    )  # fmt: skip


def _started_at(recording: Recording) -> int:
    """What is added to the times of a recording to make them ns since 1970."""
    return int(recording.run.get("started_wall_ns", 0)) - recording.started_ns


def _exit_code(recordings: Sequence[Recording]) -> int | None:
    """That of the first that failed, else that of the first."""
    codes = [each.run.get("exit_code") for each in recordings]
    return next((code for code in codes if code), codes[0])


def _add(facts: Facts, others: Facts, first: int, shift: int) -> None:
    """Add another recording's facts; ``first``: the number of its first process."""
    facts.processes += [
        replace(
            each,
            index=each.index + first,
            **{edge: ns + shift for edge in ("hello_ns", "ready_ns", "bye_ns") if (ns := getattr(each, edge))},
        )
        for each in others.processes
    ]
    facts.strings |= _numbered(others.strings, first)
    facts.sites |= _numbered(others.sites, first)
    facts.stacks |= _numbered(others.stacks, first)
    facts.loaders |= _numbered(others.loaders, first)
    facts.notes += [(process + first, moved(fact, shift)) for process, fact in others.notes]
    facts.attached |= others.attached
    facts.failed.update(others.failed)
    facts.unreadable += others.unreadable
    facts.unknown.update(others.unknown)


def _numbered(values: Mapping[tuple[int, int], V], first: int) -> dict[tuple[int, int], V]:
    return {(process + first, number): value for (process, number), value in values.items()}


def _records(records: Records, first: int, shift: int) -> Records:
    found: Records = records.copy()
    found["process"] += first
    found["t0"] += shift
    found["t1"] += shift
    return found


def _table(tables: Sequence[Table], offsets: Sequence[int], shifts: Sequence[int]) -> Table:
    """The rows of all tables; a table without columns has none."""
    added = {"process": offsets, "t0": shifts, "t1": shifts}
    columns: dict[str, list[npt.NDArray[Any]]] = {}
    for at, table in enumerate(tables):
        for name, column in table.items():
            columns.setdefault(name, []).append(column + added[name][at] if name in added else column)
    return {name: np.concatenate(parts).astype(parts[0].dtype) for name, parts in columns.items()}
