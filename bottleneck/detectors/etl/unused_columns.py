"""Columns are read that nobody uses."""

from __future__ import annotations

import ast
from typing import ClassVar

from ...artifacts.etl.reads import Read, Reads
from ...artifacts.etl.stages import Etl
from ...diagnosis.findings import Arguments, Evidence, Fine, Fix, Gain, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording, Site
from .. import Detector
from .._common import location
from . import _shared


class UnusedColumns(Detector):
    """A table is read in full, and less than half of its columns are ever used.

    Why it matters
        Every column costs reading, parsing and memory, used or not.
    How it is measured
        The columns of each large frame from a pandas reader are followed: selections add to the used columns, and any
        use of the whole frame counts as all columns. The gain is the time of the read scaled by the bytes of the used
        columns, or the measured ratio if the file could be tried after the run, plus the unused columns' share of the
        row filters and copies of the frame, which are timed.
    How to fix it
        Name the columns: ``usecols=`` for CSV, ``columns=`` for Parquet.
    When to ignore it
        When later code, which this run did not reach, needs the other columns.
    """

    id = "unused-columns"
    title = "Columns are read but never used"
    stage = "etl"
    explains = ("input-wait",)
    used_share_threshold = 0.50  # columns used of those read (own)
    stage_share_threshold = 0.05  # of the ETL time in such reads: less is not worth a line
    min_gain_share = _shared.MIN_GAIN_SHARE
    # t' = t (fixed + (1 - fixed) used): 2 of 10 columns are 2.8x faster in Parquet and 2.0x in CSV (own measurement),
    # because a text file is still split into fields to its end.
    fixed_share: ClassVar[dict[str, float]] = {"parquet": 0.20, "feather": 0.20, "orc": 0.20, "csv": 0.375}
    text_bytes, number_bytes = 20, 8  # of a value in memory, to weigh columns by their type
    max_listed = 40  # columns in a line of code
    #: Arguments of a reader beside which columns can be chosen by name: the others name columns, or give them names.
    plain_arguments = frozenset(
        "filepath_or_buffer path sep delimiter dtype engine usecols columns encoding compression low_memory na_values "
        "keep_default_na thousands decimal quotechar parse_dates nrows memory_map storage_options dtype_backend".split()
    )

    def detect(self, recording: Recording, reads: Reads, etl: Etl) -> Outcome:
        tables = [read for read in reads.reads if read.format in self.fixed_share]
        if not tables:
            return NotApplicable("No table was read.")
        wide = self._wide(tables)
        if not isinstance(wide, list):
            return wide
        if not reads.finished:
            return NotMeasured("The program did not end by itself: what it has not used yet may be used later.")
        share = reads.seconds(wide) / max(etl.seconds, 1e-9)
        if share < self.stage_share_threshold:
            return Fine(share, self.stage_share_threshold, "share", "ETL time reading unused columns")
        groups = reads.by_line(wide)
        site, worst = next(iter(groups.items()))
        price = self._price(worst, recording.wall_seconds)
        if price.share < self.min_gain_share:
            return Fine(price.share, self.min_gain_share, "share", "run time that reading less would save")
        first = worst[0]
        used = frozenset[str]().union(*(read.used or () for read in worst))
        others = _shared.other_lines(site, {place: reads.seconds(group) for place, group in groups.items()})
        return self.finding(
            location=location(site),
            evidence=(
                Evidence("columns used", len(used), "count"),
                Evidence("columns read", first.column_count or 0, "count"),
                *_shared.evidence(worst, reads.seconds(worst), etl, recording.wall_seconds),
                *others,
            ),
            gain=price,
            fix=Fix(
                f"Read only the {len(used)} columns that are used{_shared.also(others)}",
                self._snippet(first, used),
                effort=1,
                edit=self._edit(reads, site, worst, used),
            ),
            after="reading the used columns becomes the bottleneck",
            removes={"etl.read": price.seconds},
        )

    def _wide(self, tables: list[Read]) -> list[Read] | Fine | NotMeasured:
        """The reads of far more columns than the program uses, or why there are none."""
        known = [read for read in tables if read.used and read.columns]
        if not known and not any(read.asked or read.used is None for read in tables):
            return NotMeasured("Which columns of its tables the program uses was not seen.")
        wide = [read for read in known if self._used_share(read) < self.used_share_threshold]
        if wide:
            return wide
        value = min(map(self._used_share, known), default=1.0)  # of others, all columns or those asked for
        return Fine(value, self.used_share_threshold, "share", "columns used of those read")

    def _price(self, wide: list[Read], run_seconds: float) -> Gain:
        moved = sum(read.moved_seconds * (1 - self._bytes_share(read)) for read in wide)
        saved = moved + sum(read.wall_seconds - self._new_seconds(read) for read in wide)
        probed = all(read.probe is not None and read.probe.used_seconds for read in wide)
        return gain(
            saved,
            run_seconds,
            "t' = t x (fixed part + the rest x bytes used / bytes read)"
            + (", ratio tried on the file" if probed else "")
            + (f"; and {moved:.2f} s of filters and copies of the unused columns" if moved else ""),
            low_seconds=saved * (0.85 if probed else 0.6),
            high_seconds=saved * (1.1 if probed else 1.25),
            confidence=0.6 if probed else 0.4,
        )

    def _used_share(self, read: Read) -> float:
        return len(read.used or ()) / max(1, read.column_count or len(read.columns or ()))

    def _new_seconds(self, read: Read) -> float:
        """Predicted wall seconds of the read with the used columns only."""
        probe = read.probe
        if probe is not None and probe.used_seconds and probe.all_seconds:
            return read.wall_seconds * min(1.0, probe.used_seconds / probe.all_seconds)
        fixed = self.fixed_share[read.format]
        return read.wall_seconds * (fixed + (1 - fixed) * self._bytes_share(read))

    def _bytes_share(self, read: Read) -> float:
        kinds = read.dtypes or ()
        columns = read.columns or ()
        if len(kinds) != len(columns):
            return self._used_share(read)
        text = ("object", "str", "string", "category")
        weights = [self.text_bytes if kind.startswith(text) else self.number_bytes for kind in kinds]
        used = sum(w for w, column in zip(weights, columns, strict=True) if column in (read.used or ()))
        return used / max(1, sum(weights))

    def _snippet(self, read: Read, used: frozenset[str]) -> str:
        keyword = _keyword(read)
        call = _shared.own_call(read)
        if call is None:
            path = repr(read.path or "data")
            hint = "# add it to the arguments of your own call\n"
            new = f"{read.call.replace('pandas.', 'pd.')}({path}, {keyword}=COLUMNS)"
        else:
            hint, changed = "", _shared.without(call, keyword)
            changed.keywords.append(ast.keyword(keyword, ast.Name("COLUMNS")))
            new = ast.unparse(changed)
        columns = _shared.column_list(_chosen(read, call, used), self.max_listed)
        return f"COLUMNS = {columns}\n{hint}" + _shared.rewritten(read, new)

    def _edit(self, reads: Reads, site: Site | None, group: list[Read], used: frozenset[str]) -> Arguments | None:
        """The choice of columns as data, where every read of the line is known and would still find all it needs."""
        first, call = group[0], _shared.own_call(group[0])
        if site is None or call is None or not self._is_plain(call):
            return None
        chosen = _chosen(first, call, used)
        if not used <= set(chosen) or not 0 < len(chosen) <= self.max_listed:
            return None
        if any(read.site == site and read not in group for read in reads.reads) or not _alike(group, chosen):
            return None
        gone = frozenset[str]().union(*(read.columns or () for read in group)) - set(chosen)
        return Arguments(site.file, site.line, first.call, {_keyword(first): repr(chosen)}, gone)

    def _is_plain(self, call: ast.Call) -> bool:
        """Whether columns can be chosen by name beside all arguments of this call."""
        return all(k.arg in self.plain_arguments for k in call.keywords) and all(
            _lists_names(k.value) for k in call.keywords if k.arg == "parse_dates"
        )


def _keyword(read: Read) -> str:
    return "usecols" if read.format == "csv" else "columns"


def _lists_names(node: ast.expr) -> bool:
    return isinstance(node, ast.List) and all(isinstance(getattr(item, "value", None), str) for item in node.elts)


def _alike(group: list[Read], chosen: list[str]) -> bool:
    """Whether all are reads by one function, of tables with these columns."""
    return all(read.call == group[0].call and set(chosen) <= set(read.columns or ()) for read in group)


def _chosen(read: Read, call: ast.Call | None, used: frozenset[str]) -> list[str]:
    """The used columns in the file's order, and those that the call itself needs to find: dates to parse, an index."""
    keywords = [] if call is None else [k for k in call.keywords if k.arg in ("parse_dates", "index_col")]
    found = [node for keyword in keywords for node in ast.walk(keyword.value)]
    named = [node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    chosen = [column for column in read.columns or () if column in used or column in named]
    return chosen + [column for column in dict.fromkeys(named) if column not in chosen]
