"""A whole table is read, and a filter keeps few of its rows."""

from __future__ import annotations

import ast

from ...artifacts.etl.reads import Filtering, Read, Reads
from ...artifacts.etl.stages import Etl
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording
from .. import Detector
from .._common import location
from . import _shared


class LateFilter(Detector):
    """A Parquet file is read in full, and the filter that follows keeps less than half of its rows.

    Why it matters
        Rows that are dropped at once cost decoding, conversion to a frame, and memory.
    How it is measured
        The rows that the first selection keeps are counted for large frames from ``pandas.read_parquet``. The filter is
        taken from the code: only comparisons of the file's own columns count, and the table must be used through it
        alone. After the run, part of the file is read with as many rows kept before the frame is made. The upper end of
        the gain follows from the row groups' statistics: groups without such rows need not be read.
    How to fix it
        Give the condition to the reader: ``filters=``. Sorting or partitioning the data by that column lets the reader
        skip whole row groups.
    When to ignore it
        When later code needs the other rows, or the filter needs columns that are computed first. A reader of CSV has
        no such argument: it parses every row.
    """

    id = "late-filter"
    title = "Rows are read and then thrown away by a filter"
    stage = "etl"
    explains = ("input-wait",)
    kept_share_threshold = 0.50  # rows kept of those read [own]
    min_gain_share = _shared.MIN_GAIN_SHARE
    untried_share = (0.1, 0.6)  # of the read that goes, where it could not be tried [own: scattered, sorted]

    def detect(self, recording: Recording, reads: Reads, etl: Etl) -> Outcome:
        tables = [read for read in reads.reads if read.format == "parquet" and read.rows]
        if not tables:
            return NotApplicable("No Parquet file was read.")
        followed = [read for read in tables if read.kept is not None or read.used != frozenset() or _is_filtered(read)]
        if not followed:
            return NotMeasured("How many rows of its tables the program uses was not seen.")
        groups = reads.by_line(read for read in followed if self._kept(read) < self.kept_share_threshold)
        known = {site: group for site, group in groups.items() if _filtering(group)}
        if not known:
            value = min(map(self._kept, followed))
            reason = "rows kept after the read" + (", by a filter that no reader has" if groups else "")
            return Fine(value, self.kept_share_threshold, "share", reason)
        site, worst = next(iter(known.items()))
        price = self._price(worst, recording.wall_seconds)
        if price.share < self.min_gain_share:
            return Fine(price.share, self.min_gain_share, "share", "run time that filtering while reading would save")
        kept, rows = sum(read.kept or 0 for read in worst), sum(read.rows or 0 for read in worst)
        others = _shared.other_lines(site, {place: reads.seconds(group) for place, group in known.items()})
        return self.finding(
            location=location(site),
            evidence=(
                Evidence("rows kept by the filter", kept, "count"),
                Evidence("rows read", rows, "count"),
                *_shared.evidence(worst, reads.seconds(worst), etl, recording.wall_seconds),
                *others,
            ),
            gain=price,
            fix=Fix(
                f"Let the reader filter: {kept / max(rows, 1):.1%} of the rows are kept{_shared.also(others)}; "
                "sort the file by that column when it is written, so that whole row groups are skipped",
                _snippet(worst),
                effort=1,
                risk=0.05,
            ),
            after="reading and processing the rows in use become the bottleneck",
            removes={"etl.read": price.seconds},
        )

    @staticmethod
    def _kept(read: Read) -> float:
        return 1.0 if read.kept is None else read.kept / max(read.rows or 0, 1)

    def _price(self, group: list[Read], run_seconds: float) -> Gain:
        wall = sum(read.wall_seconds for read in group)
        tried = [
            (read, read.filtering)
            for read in group
            if read.filtering and read.filtering.kept_seconds is not None and read.wall_seconds
        ]
        if not tried:
            low, high = (share * wall for share in self.untried_share)
            method = "an estimate: the file was not tried with a filter"
            return gain((low + high) / 2, run_seconds, method, low_seconds=low, high_seconds=high, confidence=0.2)
        read, found = tried[0]
        least = wall * (1 - (found.kept_seconds or 0.0) / read.wall_seconds)
        most = wall * (1 - (found.pruned_seconds or 0.0) / read.wall_seconds)
        method = (
            f"{wall:.2f} s of reading, minus what reading the file and keeping {self._kept(read):.1%} of its rows took "
            "here, in the row groups that hold such rows by the file's statistics"
        )
        low, high = 0.45 * (least + most), 1.2 * most
        return gain(most, run_seconds, method, low_seconds=low, high_seconds=high, confidence=0.6)


def _is_filtered(read: Read) -> bool:
    """The reader filters already."""
    call = _shared.own_call(read)
    return call is not None and any(each.arg == "filters" for each in call.keywords)


def _filtering(group: list[Read]) -> Filtering | None:
    return next((read.filtering for read in group if read.filtering is not None), None)


def _snippet(group: list[Read]) -> str:
    read = next(each for each in group if each.filtering is not None)
    call, conditions = _shared.own_call(read), read.filtering.conditions if read.filtering is not None else ()
    listed = [f"({column!r}, {operator!r}, {value})" for column, operator, value in conditions]
    filters = f"[{', '.join(listed)}]"
    if call is None:
        return _shared.rewritten(read, f"pd.read_parquet({read.path!r}, filters={filters})")
    changed = _shared.without(call, "filters")
    changed.keywords.append(ast.keyword("filters", ast.parse(filters, mode="eval").body))
    return _shared.rewritten(read, ast.unparse(changed))
