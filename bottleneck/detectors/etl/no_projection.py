"""Columns are read that nobody uses."""

from __future__ import annotations

import ast
from typing import ClassVar

from ...findings import Evidence, Finding, Fine, Fix, Gain
from ...prediction import gain
from ...timeline.etl import Etl
from ...timeline.reads import Read, Reads
from ...timeline.tables import Recording
from .. import Detector
from . import _shared


class NoProjection(Detector):
    """A table is read whole, and less than half of its columns are ever used.

    Why it matters
        Every column costs reading, parsing and memory, used or not.
    How it is measured
        The columns of each large frame that came from a pandas reader are followed: selections add to the used
        ones, and any use of the whole frame counts as all columns. The gain is the time of the read scaled by the
        bytes of the used columns, or the measured ratio where the file could be tried after the run.
    How to fix it
        Name the columns: ``usecols=`` for CSV, ``columns=`` for Parquet.
    When to ignore it
        When later code, which this run did not reach, needs the other columns.
    """

    id = "no-projection"
    title = "Columns are read and never used"
    stage = "etl"
    used_share_threshold = 0.50  # signatures.md 16
    stage_share_threshold = 0.05  # of the ETL time in such reads: less is not worth a line
    min_gain_share = _shared.MIN_GAIN_SHARE
    # t' = t (fixed + (1 - fixed) used): 2 of 10 columns are 2.8x faster in Parquet and 2.0x in CSV (signatures.md 16),
    # because a text file is still split into fields to its end.
    fixed_part: ClassVar[dict[str, float]] = {"parquet": 0.20, "feather": 0.20, "orc": 0.20, "csv": 0.375}
    text_bytes, number_bytes = 20, 8  # of a value in memory, to weigh columns by their type

    def detect(self, recording: Recording, reads: Reads, etl: Etl) -> Finding | Fine:
        known = [r for r in reads.reads if r.used and r.columns and r.format in self.fixed_part]
        wide = [r for r in known if self._used_share(r) < self.used_share_threshold]
        if not wide or not reads.finished:
            value = min((self._used_share(r) for r in known), default=None)
            return Fine(value, self.used_share_threshold, "share", "columns used of those read")
        share = reads.seconds(wide) / max(etl.seconds, 1e-9)
        if share < self.stage_share_threshold:
            return Fine(share, self.stage_share_threshold, "share", "of the ETL time reads columns nobody uses")
        groups = reads.by_line(wide)
        site, worst = next(iter(groups.items()))
        price = self._price(worst, recording.wall_seconds)
        if price.share < self.min_gain_share:
            return Fine(price.share, self.min_gain_share, "share", "of the run would be saved by reading less")
        first = worst[0]
        used = frozenset[str]().union(*(read.used or () for read in worst))
        others = _shared.other_lines(site, {place: reads.seconds(group) for place, group in groups.items()})
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=_shared.location(site),
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
            ),
            after="reading the columns that are used",
            removes={"etl.read": price.seconds},
        )

    def _price(self, wide: list[Read], run_seconds: float) -> Gain:
        saved = sum(read.wall_seconds - self._new_seconds(read) for read in wide)
        probed = all(read.probe is not None and read.probe.used_seconds for read in wide)
        return gain(
            saved,
            run_seconds,
            "t' = t x (fixed part + the rest x bytes used / bytes read)"
            + (", ratio tried on the file" if probed else ""),
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
        fixed = self.fixed_part[read.format]
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

    @staticmethod
    def _snippet(read: Read, used: frozenset[str]) -> str:
        keyword = "usecols" if read.format == "csv" else "columns"
        call = _shared.own_call(read)
        if call is None:
            path = repr(read.path or "data")
            hint, named = "# add it to the arguments of your own call\n", []
            new = f"{read.call.replace('pandas.', 'pd.')}({path}, {keyword}=COLUMNS)"
        else:
            hint, changed = "", _shared.without(call, keyword)
            # Columns that the call itself needs to find: dates to parse, an index.
            found = [n for k in changed.keywords if k.arg in ("parse_dates", "index_col") for n in ast.walk(k.value)]
            named = [n.value for n in found if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            changed.keywords.append(ast.keyword(keyword, ast.Name("COLUMNS")))
            new = ast.unparse(changed)
        chosen = [column for column in read.columns or () if column in used or column in named]
        chosen += [column for column in named if column not in chosen]
        return f"COLUMNS = {_shared.column_list(chosen, 40)}\n{hint}" + _shared.rewritten(read, new)
