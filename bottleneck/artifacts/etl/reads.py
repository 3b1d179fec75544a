"""Files that the main process read outside data loading, and which of their columns were used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from typing import Any

from ...recording import facts
from ...recording.model import Recording, Site
from .. import Absent
from ..run.main_process import main_process
from ..training.steps import Steps

TEXT_FORMATS = ("csv", "fwf", "text", "json")
_COLLECTORS = (
    "pandas", "pyarrow.csv", "pyarrow.feather", "pyarrow.json", "pyarrow.parquet", "csv", "json", "numpy", "polars",
)  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """Other ways of reading the same file, tried after the run on its first part; seconds, scaled to the whole file.

    ``parquet_low_seconds``, ``parquet_high_seconds``: the fastest and slowest repetition. ``text_seconds``: the
    original way, if it could be repeated. ``used_*``: reading only the columns that were used.
    """

    parquet_seconds: float
    parquet_low_seconds: float
    parquet_high_seconds: float
    text_seconds: float | None = None
    used_seconds: float | None = None  # same format, used columns only
    all_seconds: float | None = None  # same format, all columns
    write_seconds: float | None = None  # of the Parquet file
    feather_seconds: float | None = None
    unpack_seconds: float | None = None  # of compressed text, as it is
    zstd_seconds: float | None = None  # the same with zstd

    def scaled(self, factor: float) -> Probe:
        """The same for a file that takes ``factor`` times as long."""
        values = {f.name: getattr(self, f.name) for f in fields_of(self)}
        return replace(self, **{name: value * factor for name, value in values.items() if value is not None})


@dataclass(frozen=True)
class Filtering:
    """A filter that follows a read and that the reader could apply: (column, operator, value as the program writes it).

    ``kept_seconds``, ``pruned_seconds``: of the whole file if it did, see ``facts.Probe``; None if it was not tried.
    """

    conditions: tuple[tuple[str, str, str], ...]
    kept_seconds: float | None = None
    pruned_seconds: float | None = None


@dataclass(frozen=True)
class Read:
    """One read, or ``count`` small reads from one call site. ``wall_seconds``: in the reader; ``cpu_seconds``: of the
    process.

    ``columns``: names read, None if unknown; ``used``: those seen in use, None once all were. ``moved_seconds``: wall
    time of row filters, copies and drops on the data read, if its columns were tracked. ``source``: the user's line of
    code, "" if unknown. ``configured``: ``site`` is the line of a configuration file that names the file, because no
    line of the user's called the reader. Sizes are None if unknown.
    """

    id: int
    call: str
    format: str
    path: str | None
    count: int
    size_bytes: int | None
    rows: int | None
    columns: tuple[str, ...] | None
    column_count: int | None
    dtypes: tuple[str, ...] | None
    asked: tuple[str, ...] | None
    used: frozenset[str] | None
    engine: str | None
    site: Site | None
    t0: int
    t1: int
    wall_seconds: float
    cpu_seconds: float
    in_step: bool = False
    moved_seconds: float = 0.0
    probe: Probe | None = None
    source: str = ""
    configured: bool = False
    kept: int | None = None  # rows that the first selection left
    filtering: Filtering | None = None

    @property
    def is_text(self) -> bool:
        return self.format in TEXT_FORMATS


@dataclass(frozen=True)
class Reads:
    """``reads`` in time order. ``finished``: the program ended normally, so an unused column would never be used."""

    process: int
    reads: tuple[Read, ...]
    finished: bool

    def seconds(self, reads: Iterable[Read] | None = None) -> float:
        """Wall seconds in the readers."""
        return sum(read.wall_seconds for read in (self.reads if reads is None else reads))

    def by_line(self, reads: Iterable[Read]) -> dict[Site | None, list[Read]]:
        """Reads grouped by the user's line; the line with the most time comes first."""
        groups: dict[Site | None, list[Read]] = {}
        for read in reads:
            groups.setdefault(read.site, []).append(read)
        return dict(sorted(groups.items(), key=lambda item: -self.seconds(item[1])))

    @classmethod
    def compute(cls, recording: Recording, steps: Steps | None) -> Reads:
        if not recording.facts.processes or not recording.facts.attached.intersection(_COLLECTORS):
            raise Absent("No library that reads files was recorded.")
        process = main_process(recording, steps)
        used = _used(recording, process)
        probes = {probe.read: probe for probe in recording.facts.of_process(facts.Probe, process)}
        moved: Counter[int] = Counter()
        for move in recording.facts.of_process(facts.Moved, process):
            moved[move.read] += move.wall_ns
        kept = {each.read: each.rows for each in recording.facts.of_process(facts.Kept, process)}
        named = {line.path: line.place for _, line in recording.facts.of(facts.ConfigLine)}
        found = []
        for read in recording.facts.of_process(facts.Read, process):
            site, inside = recording.facts.site(process, read.site), _in_steps(steps, read.t0)
            made = _read(read, site, used.get(read.id, frozenset()), inside, moved[read.id] / 1e9, probes.get(read.id))
            made = replace(made, kept=kept.get(read.id), filtering=_filtering(probes.get(read.id)))
            if site is None and read.path in named:
                made = replace(made, site=named[read.path], configured=True)
            found.append(made)
        found.sort(key=lambda read: read.t0)
        finished = bool(recording.facts.processes[process].bye_ns) and recording.run.get("exit_code") in (0, None)
        return cls(process, tuple(_share_probes(found)), finished)


def _share_probes(reads: list[Read]) -> list[Read]:
    """Reads of a line with a probed file share its result, scaled to their own time, and the line's source."""
    tried = {(read.site, read.format): read for read in reads if read.probe is not None and read.wall_seconds > 0}
    sources = {read.site: read.source for read in reads if read.source}
    shared = []
    for read in reads:
        like = tried.get((read.site, read.format))
        read = replace(read, source=read.source or sources.get(read.site, ""))
        if read.probe is None and like is not None and like.probe is not None:
            read = replace(read, probe=like.probe.scaled(read.wall_seconds / like.wall_seconds))
        shared.append(read)
    return shared


def _in_steps(steps: Steps | None, time_ns: int) -> bool:
    if steps is None or not steps.all_count:
        return False
    return bool(((steps.rows["t0"] <= time_ns) & (time_ns < steps.rows["t1"])).any())


def _used(recording: Recording, process: int) -> dict[int, frozenset[str] | None]:
    """read id -> columns in use, including use in a forked child; None once the whole frame was used."""
    notes = recording.facts.of(facts.Used)
    used: dict[int, frozenset[str] | None] = {use.read: frozenset() for owner, use in notes if owner == process}
    for _, use in notes:
        before = used.get(use.read)
        # A child's own reads may reuse the same ids: at worst, too many columns count as used.
        if before is not None:
            used[use.read] = None if use.columns is None else before | frozenset(map(str, use.columns))
    return used


def _tuple(values: Any) -> tuple[str, ...] | None:
    return None if values is None else tuple(str(value) for value in values)


def _read(
    read: facts.Read,
    site: Site | None,
    used: frozenset[str] | None,
    inside: bool,
    moved_seconds: float,
    probe: facts.Probe | None,
) -> Read:
    return Read(
        id=read.id,
        call=read.call,
        format=read.format,
        path=read.path,
        count=read.count,
        size_bytes=read.size_bytes,
        rows=read.rows,
        columns=_tuple(read.columns),
        column_count=read.column_count,
        dtypes=_tuple(read.dtypes),
        asked=_tuple(read.asked_columns),
        used=used,
        engine=read.engine,
        site=site,
        t0=read.t0,
        t1=read.t1,
        wall_seconds=read.wall_ns / 1e9,
        cpu_seconds=read.cpu_ns / 1e9,
        in_step=inside,
        moved_seconds=moved_seconds,
        probe=_probe(probe),
        source="" if probe is None else probe.source,
    )


def _filtering(tried: facts.Probe | None) -> Filtering | None:
    if tried is None or not tried.conditions:
        return None
    return Filtering(tuple(tried.conditions), tried.kept_seconds, tried.pruned_seconds)


def _probe(tried: facts.Probe | None) -> Probe | None:
    if tried is None or tried.parquet_seconds is None:
        return None
    parquet = tried.parquet_seconds
    return Probe(
        parquet,
        min(parquet, tried.parquet_low_seconds),
        max(parquet, tried.parquet_high_seconds),
        tried.text_seconds,
        tried.used_seconds,
        tried.all_seconds,
        tried.write_seconds,
        tried.feather_seconds,
        tried.unpack_seconds,
        tried.zstd_seconds,
    )
