"""Columns are read that nobody uses."""

from __future__ import annotations

from typing import ClassVar

from ...findings import Evidence, Finding, Fine, Fix
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
        saved = sum(read.wall_seconds - self._new_seconds(read) for read in wide)
        probed = all(read.probe is not None and read.probe.used_seconds for read in wide)
        price = gain(
            saved,
            recording.wall_seconds,
            "t' = t x (fixed part + the rest x bytes used / bytes read)"
            + (", ratio tried on the file" if probed else ""),
            low_seconds=saved * (0.85 if probed else 0.6),
            high_seconds=saved * (1.1 if probed else 1.25),
            confidence=0.6 if probed else 0.4,
        )
        if price.share < self.min_gain_share:
            return Fine(price.share, self.min_gain_share, "share", "of the run would be saved by reading less")
        worst = next(iter(reads.by_line(wide).values()))
        first = worst[0]
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=_shared.location(first.site),
            evidence=(
                Evidence("columns used", len(first.used or ()), "count"),
                Evidence("columns read", first.column_count or 0, "count"),
                *_shared.evidence(worst, reads.seconds(worst), etl, recording.wall_seconds),
            ),
            gain=price,
            fix=Fix(f"Read only the {len(first.used or ())} columns that are used", self._snippet(first), effort=1),
            after="reading the columns that are used",
            removes={"etl.read": price.seconds},
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
    def _snippet(read: Read) -> str:
        used = [column for column in read.columns or () if column in (read.used or ())]
        keyword = "usecols" if read.format == "csv" else "columns"
        function = read.call.replace("pandas.", "pd.")
        call = f"{_shared.target(read)} = {function}({_shared.first_argument(read)}, {keyword}=COLUMNS)"
        return f"COLUMNS = {_shared.column_list(used, 40)}\n{call}"
