"""The same table is read again and again."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ...artifacts.etl.reads import Read, Reads
from ...artifacts.etl.stages import Etl
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.intervals import seconds_of, spans_of, union
from ...recording.model import Recording
from .. import Detector
from .._common import location
from . import _shared


class RepeatedRead(Detector):
    """One line reads the same file several times, with the same arguments, and gets the same table each time.

    Why it matters
        Reading and parsing cost the same each time; a table that is kept costs memory only.
    How it is measured
        Each read of a table is timed, with its file, size, rows and columns. Reads of one line count as the same when
        all of these agree, and the call chooses no part of the file. The gain is the time of all of them but one.
    How to fix it
        Read the table once, before the loop or in a function that is cached, and pass it on; change copies of it.
    When to ignore it
        When the file changes between the reads, or its table does not fit into memory beside everything else.
    """

    id = "repeated-read"
    title = "The same file is read again, although its table could be kept"
    stage = "etl"
    explains = (
        "csv-instead-of-parquet",
        "unused-columns",
        "late-filter",
        "input-wait",
        "residual-python",
        "gil-bound-threads",
    )
    min_times = 3  # reading a file twice is often a check
    min_gain_share = 0.05  # of the run
    memory_share = 0.5  # of the machine's memory that the file may take
    partial = frozenset("skiprows nrows skipfooter filters row_groups sheet_name n_rows where start stop".split())
    in_turn = frozenset(("chunksize", "iterator"))  # each read goes on where the last one ended
    of_tables = ("hdf5", "excel")  # formats of which one file holds several tables

    def detect(self, recording: Recording, reads: Reads, etl: Etl) -> Outcome:
        tables = [read for read in reads.reads if read.path and read.size_bytes and read.rows and read.count == 1]
        if not tables:
            return NotApplicable("No table was read from a file.")
        groups = [group for group in _same(tables) if len(group) >= self.min_times and self._fits(recording, group[0])]
        again = max(groups, key=lambda group: reads.seconds(group[1:]), default=None)
        saved = 0.0 if again is None else _together(again) - _mean(again)
        if again is None or saved < self.min_gain_share * recording.wall_seconds:
            share = saved / max(recording.wall_seconds, 1e-9)
            return Fine(share, self.min_gain_share, "share", "run time that reading each table once would save")
        if not self._is_whole(again):
            return NotMeasured("Which part of its file each read takes was not seen.")
        return self.finding(
            location=location(again[0].site),
            evidence=(
                Evidence("reads of this file", len(again), "count"),
                *_shared.evidence(again, reads.seconds(again), etl, recording.wall_seconds),
            ),
            gain=gain(
                saved,
                recording.wall_seconds,
                f"measured: {len(again)} reads of {_together(again):.2f} s, of which one remains",
                low_seconds=0.8 * saved,
                high_seconds=min(_together(again), 1.1 * saved),
                confidence=0.8,
            ),
            fix=Fix(
                "Read it once before the loop and pass the table on, or cache the function that reads it "
                "(functools.lru_cache); work on a copy where the table is changed",
                f"@functools.lru_cache\ndef load(path):\n    return {_shared.written(again[0].call)}(path)",
                effort=1,
            ),
            after="the rest of each pass becomes the bottleneck",
            removes={"etl.read": saved},
        )

    def _fits(self, recording: Recording, read: Read) -> bool:
        memory = recording.run.get("machine", {}).get("memory_bytes")
        return memory is None or (read.size_bytes or 0) <= self.memory_share * memory

    def _is_whole(self, group: list[Read]) -> bool:
        """Whether the user's call is known, and takes no part of the file that could be another one each time."""
        known = next((read for read in group if read.source), None)
        call = None if known is None else _shared.own_call(known)
        if call is None or any(each.arg is None or each.arg in self.in_turn for each in call.keywords):
            return False
        if any(each.arg in self.partial and not _is_written(each.value) for each in call.keywords):
            return False
        # Which table of the file: read_hdf(path, "trips").
        tables = [*call.args[1:], *(each.value for each in call.keywords if each.arg == "key")]
        return all(isinstance(each, ast.Constant) for each in tables) or group[0].format not in self.of_tables


def _is_written(value: ast.expr) -> bool:
    """The value stands in the call, and is the same each time."""
    return not any(isinstance(each, ast.Name | ast.Attribute | ast.Call) for each in ast.walk(value))


def _same(tables: Iterable[Read]) -> list[list[Read]]:
    """Reads that one line made of one unchanged file, as often as it did."""
    groups: dict[tuple[object, ...], list[Read]] = {}
    for read in tables:
        key = (read.site, read.call, read.path, read.size_bytes, read.rows, read.columns, read.asked)
        groups.setdefault(key, []).append(read)
    return [group for group in groups.values() if group[0].site is not None]


def _together(group: list[Read]) -> float:
    """Wall seconds of the reads; what several threads read at the same time counts once."""
    spans = union([spans_of([read.t0 for read in group], [read.t1 for read in group])])
    return min(seconds_of(spans), sum(read.wall_seconds for read in group))


def _mean(group: list[Read]) -> float:
    return sum(read.wall_seconds for read in group) / len(group)
