"""What importers of traces have in common: the ranks of a job, each from one file, joined to a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import signals
from ..recording.facts import CallSite, DeviceProperties, DeviceTrace, DeviceWindow, Fact, Hello, Site
from ..recording.model import (
    BY_USER,
    DEVICE_COLUMNS,
    RECORD_DTYPE,
    RECORD_TABLES,
    Facts,
    Recording,
    Records,
    Table,
    empty_steps,
)
from ..recording.torch_traces import device_table as device_table
from ._clocks import shifts
from ._reading import Read, Reading, read_all, without_copies

_NUMBERED = "The traces do not say which ranks they are of, so they are numbered in the order of their files."
_EPOCH_NS = 1_000_000_000_000_000_000  # 2001, in ns since 1970


@dataclass
class Rank:
    """What one process left in a file. Times in ns from its first event, which was at ``begin`` on the file's clock."""

    path: Path
    rank: int | None
    begin: int
    end: int
    window: tuple[int, int]
    steps: Table
    waits: Records
    device: Table
    names: list[str]
    devices: tuple[DeviceProperties, ...]
    notes: list[str] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    world_size: int = 0
    facts: list[Fact] = field(default_factory=list)


Found = tuple[list[Rank], list[str]]


def read_each(paths: Sequence[Path], files: Sequence[Path], read: Read[list[Rank]], how: Reading) -> Found:
    """The ranks of the files that can be read, and a note on each of the others. Raises RunError for the only path."""
    kept, notes = without_copies(files)
    ranks = list[Rank]()
    for outcome in read_all(read, kept, how):
        if isinstance(outcome, list):
            ranks += outcome
            notes += [note for one in outcome for note in one.notes]
        elif len(files) == 1 and list(paths) == list(files):
            raise outcome
        else:
            notes.append(f"{outcome}.")
    return ranks, notes


def step_rows(spans: Sequence[tuple[int, int]] | npt.NDArray[np.int64]) -> Table:
    """One row for each step (begin, end in ns), with nothing known of its phases."""
    table = {column: np.zeros(len(spans), values.dtype) for column, values in empty_steps().items()}
    edges = np.array(spans, np.int64).reshape(-1, 2)
    table["t0"], table["t1"] = edges[:, 0], edges[:, 1]
    table["loader"][:] = BY_USER
    return table


def data_waits(
    spans: Sequence[tuple[int, int]] | npt.NDArray[np.int64], sites: npt.NDArray[np.int32] | int = 0
) -> Records:
    """When the loop waited for its next batch (begin, end in ns), as records whose argument is the line's number."""
    records = np.zeros(len(spans), RECORD_DTYPE)
    records["kind"], records["thread"] = signals.DATA_WAIT, 1
    edges = np.array(spans, np.int64).reshape(-1, 2)
    records["t0"], records["t1"], records["arg"] = edges[:, 0], edges[:, 1], sites
    return records


def joined(path: Path, ranks: list[Rank], notes: list[str], kind: str) -> Recording:
    """The recording of all ranks. ``kind``: what the files are, for the reader."""
    notes = list(dict.fromkeys(notes))  # what is said of each rank is said once
    first = min(one.begin for one in ranks)
    if len(ranks) > 1 and all(one.rank is None for one in ranks):
        notes.append(_NUMBERED)
        for number, one in enumerate(ranks):
            one.rank = number
    moves, said = shifts(ranks)
    notes += said
    facts, parts = Facts(), list[tuple[Table, Records, Table]]()
    for process, (one, shift) in enumerate(zip(ranks, moves, strict=True)):
        facts.add(process, Hello(process + 1, 0, shift, signals.MAIN, "", rank=one.rank))
        facts.add(process, DeviceTrace(one.names, one.devices, world_size=one.world_size))
        for fact in one.facts:
            facts.add(process, fact)
        for number, site in enumerate(one.sites, 1):
            facts.add(process, CallSite(number, site.file, site.line, site.function))
        begin, end = (shift + each for each in one.window)
        facts.add(process, DeviceWindow(0, 0, begin, end))
        for table in (one.steps, one.waits, one.device):
            table["process"][:] = process
            for edge in ("t0", "t1"):
                table[edge] += shift
        parts.append((one.steps, one.waits, one.device))
    ended = max(one.end + shift for one, shift in zip(ranks, moves, strict=True))
    gpus = [
        {"index": index, "name": one.devices[index].name or "GPU"}
        for one in ranks
        for index in np.unique(one.device["device"]).tolist()
        if 0 <= index < len(one.devices)
    ]
    none = np.empty(0, RECORD_DTYPE)
    known = {"started_wall_ns": first} if first > _EPOCH_NS else {}  # else the clock began with the machine
    records: dict[str, Any] = {table: none for table in RECORD_TABLES}
    records["events"] = np.concatenate([waits for _, waits, _ in parts])
    return Recording(
        run={
            "command": path.name, "started_ns": 0, "ended_ns": ended, "finished": True, "gpus": gpus, "imported": kind,
            "notes": notes, **known,
        },
        facts=facts,
        steps={column: np.concatenate([steps[column] for steps, _, _ in parts]) for column in empty_steps()},
        host={},
        gpu={},
        started_ns=0,
        ended_ns=ended,
        device={column: np.concatenate([device[column] for _, _, device in parts]) for column in DEVICE_COLUMNS},
        full_steps=None,
        **records,
    )  # fmt: skip
