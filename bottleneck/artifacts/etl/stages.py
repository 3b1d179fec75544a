"""ETL: stretches of the main thread outside steps that read, transform and write data, and its row-wise loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import RowWise
from ...recording.intervals import Spans, spans_of, union
from ...recording.model import Recording, Site
from .. import Absent, Missing
from ..run.stacks import Stacks
from ..training.steps import Steps
from .accesses import Access, accesses_of
from .reads import Reads
from .spans import Span, merged, overlap

MAX_GAP_SECONDS = 1.0  # longest gap between two calls in one stretch: the user's own lines in between belong to it
_KINDS = (signals.READ, signals.TRANSFORM, signals.WRITE)


@dataclass(frozen=True)
class RowLoop:
    """A loop or apply with Python code per row. ``seconds``: wall time, without the steps, reads and writes inside it.

    ``own_seconds``: the part spent creating the row objects, None if it cannot be told apart.
    """

    call: str
    site: Site | None
    rows: int
    columns: int
    seconds: float
    cpu_seconds: float
    own_seconds: float | None
    function: str
    t0: int
    t1: int

    @property
    def per_row_seconds(self) -> float:
        return self.seconds / max(1, self.rows)


@dataclass(frozen=True)
class Stretch:
    """One stretch of ETL work, named after the user function (or stage mark) that takes most of its time."""

    name: str
    start_ns: int
    end_ns: int
    read_seconds: float
    transform_seconds: float
    write_seconds: float

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True)
class Etl:
    """``seconds``: wall time of all stretches and of reads inside steps."""

    stretches: tuple[Stretch, ...]
    loops: tuple[RowLoop, ...]
    seconds: float
    accesses: tuple[Access, ...] = ()

    @classmethod
    def compute(cls, recording: Recording, reads: Reads, steps: Steps | None, stacks: Stacks | None) -> Etl:
        if recording.started_ns >= recording.ended_ns:
            raise Missing("The run has no duration.")
        work = _work(recording, reads)
        busy = _step_spans(steps)
        loops = tuple(_loops(recording, reads, steps, busy))
        work += [(loop.t0, loop.t1, signals.TRANSFORM, _name(loop.site)) for loop in loops]
        taken = union([busy, spans_of([loop.t0 for loop in loops], [loop.t1 for loop in loops])])
        accesses = () if stacks is None else accesses_of(recording, stacks, taken)
        work += [(*span, signals.TRANSFORM, access.site.function) for access in accesses for span in access.spans]
        cuts = _stage_cuts(recording, reads.process)
        stretches = tuple(_stretches(work, busy, cuts))
        inside = sum(read.wall_seconds for read in reads.reads if read.in_step)
        seconds = sum(stretch.seconds for stretch in stretches) + inside
        if not seconds:
            raise Absent("No files were read and no tables processed.")
        return cls(stretches, loops, seconds, accesses)


def _name(site: Site | None) -> str:
    return site.function if site is not None else ""


def _work(recording: Recording, reads: Reads) -> list[tuple[int, int, int, str]]:
    """(t0, t1, kind, user's function) of every recorded read, transformation and write of the main process."""
    found = [(r.t0, r.t1, signals.READ, _name(r.site)) for r in reads.reads if not r.in_step and r.count == 1]
    events = recording.events
    if len(events):
        chosen = (events["process"] == reads.process) & (events["thread"] == 1)
        for record in events[chosen & ((events["kind"] == signals.TRANSFORM) | (events["kind"] == signals.WRITE))]:
            site = recording.facts.sites.get((reads.process, int(record["arg"])))
            found.append((int(record["t0"]), int(record["t1"]), int(record["kind"]), _name(site)))
    return found


def _step_spans(steps: Steps | None) -> Spans:
    return spans_of([], []) if steps is None else steps.spans


def _stage_cuts(recording: Recording, process: int) -> list[tuple[int, int, str]]:
    events = recording.events
    if not len(events):
        return []
    stages = events[(events["process"] == process) & (events["kind"] == signals.STAGE)]
    strings = recording.facts.strings
    return [(int(r["t0"]), int(r["t1"]), strings.get((process, int(r["arg"])), "stage")) for r in stages]


def _loops(recording: Recording, reads: Reads, steps: Steps | None, busy: Spans) -> list[RowLoop]:
    facts, found = recording.facts, []
    others = [(r.t0, r.t1) for r in reads.reads if r.count == 1 and r.format != "json"]
    for owner, loop in facts.of(RowWise):
        if owner != reads.process:
            continue
        span = loop.t0, loop.t1
        # A file read or a training step per row counts as that work, not as row-wise Python. Without a loader, a step
        # lasts until the optimizer of the next one, so work between two epochs falls into it.
        trained = _covered_ns(span, busy) if steps is None or steps.kind == "loader" else _steps_ns(span, steps)
        lost = trained + overlap(span, merged(others))
        wall = (span[1] - span[0] - lost) / 1e9
        found.append(_loop(loop, facts.site(owner, loop.site), wall))
    return found


def _steps_ns(span: Span, steps: Steps) -> int:
    """Nanoseconds of the steps that lie entirely within ``span``."""
    t0, t1 = steps.rows["t0"], steps.rows["t1"]
    inside = slice(np.searchsorted(t0, span[0], side="left"), np.searchsorted(t1, span[1], side="right"))
    return int((t1[inside] - t0[inside]).sum())


def _loop(loop: RowWise, site: Site | None, wall: float) -> RowLoop:
    return RowLoop(
        loop.call,
        site,
        loop.rows,
        loop.columns,
        max(0.0, wall),
        loop.cpu_ns / 1e9,
        None if loop.own_ns is None else min(loop.own_ns / 1e9, max(0.0, wall)),
        loop.function,
        loop.t0,
        loop.t1,
    )


def _stretches(work: list[tuple[int, int, int, str]], busy: Spans, stages: list[tuple[int, int, str]]) -> list[Stretch]:
    """Work merged across gaps of up to a second, and split where a step or another stage begins."""
    groups: list[list[tuple[int, int, int, str]]] = []
    end, label = 0, ""
    for item in sorted(work):
        stage = next((name for a, b, name in stages if a <= item[0] < b), "")
        gap = (end, item[0])
        joined = bool(groups) and stage == label and item[0] - end <= MAX_GAP_SECONDS * 1e9
        if joined and not (gap[1] > gap[0] and _covered_ns(gap, busy)):
            groups[-1].append(item)
        else:
            groups.append([item])
        end, label = max(end, item[1]), stage
    return [_stretch(group, stages) for group in groups]


def _stretch(group: list[tuple[int, int, int, str]], stages: list[tuple[int, int, str]]) -> Stretch:
    names: dict[str, int] = {}
    for start, end, _, name in group:
        names[name] = names.get(name, 0) + end - start
    start, end = group[0][0], max(item[1] for item in group)
    stage = next((name for a, b, name in stages if a <= start < b), "")
    name = stage or max((n for n in names if n), key=lambda n: names[n], default="etl")
    seconds = [
        sum(b - a for a, b in merged([(item[0], item[1]) for item in group if item[2] == kind])) / 1e9
        for kind in _KINDS
    ]
    return Stretch(name, start, end, *seconds)


def _covered_ns(span: Span, others: Spans) -> int:
    """Nanoseconds of ``span`` covered by a union, without a Python loop: there may be a million steps."""
    near = others[np.searchsorted(others[:, 1], span[0]) : np.searchsorted(others[:, 0], span[1])]
    return int((near.clip(*span)[:, 1] - near.clip(*span)[:, 0]).sum())
