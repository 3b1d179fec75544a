"""Python code runs once per row where one call per column would do."""

from __future__ import annotations

from typing import ClassVar

from ...findings import Evidence, Finding, Fine, Fix, Gain
from ...prediction import gain
from ...timeline.etl import Etl, RowLoop
from ...timeline.tables import Recording
from .. import Detector
from . import _shared


class RowWisePython(Detector):
    """A table is worked on row by row in Python.

    Why it matters
        A row costs microseconds (iterrows about 100, apply about 20); a vectorised operation costs about 0.05 per
        row.
    How it is measured
        Loops over ``DataFrame.iterrows`` and calls of ``apply`` or ``map`` with a Python function: rows, wall and CPU
        time. Training steps and file reads inside such a loop are not counted. The gain is that time minus the
        vectorised cost; what a function does beyond pandas' own cost per row may remain, which the range says.
    How to fix it
        Work on whole columns; ``itertuples`` is a stop-gap, about 15 times faster than ``iterrows``.
    When to ignore it
        When the function of a row calls a service or a library that has no form for columns. Loops that mostly wait
        are not reported.
    """

    id = "row-wise-python"
    title = "Rows are processed one by one in Python"
    stage = "etl"
    explains = ("residual-python",)
    per_row_threshold_seconds = 5e-6  # signatures.md 19
    stage_share_threshold = 0.05  # signatures.md 19
    min_gain_share = _shared.MIN_GAIN_SHARE
    min_cpu_share = 0.5  # below it the rows wait for something else (a service, a disk)
    vectorised_seconds = 0.05e-6  # per row and column touched (signatures.md 19)
    # pandas' own cost per row (signatures.md 19): what certainly goes.
    machinery_seconds: ClassVar[dict[str, float]] = {
        "DataFrame.iterrows": 102e-6,
        "DataFrame.apply": 19e-6,
        "Series.apply": 0.5e-6,
        "Series.map": 0.5e-6,
    }
    heavy_factor = 5  # a function beyond this many times pandas' own cost does work that may well remain

    def detect(self, recording: Recording, etl: Etl) -> Finding | Fine:
        loops = [loop for loop in etl.loops if loop.per_row_seconds > self.per_row_threshold_seconds]
        waiting = [loop for loop in loops if loop.cpu_seconds < self.min_cpu_share * loop.seconds]
        loops = [loop for loop in loops if loop not in waiting]
        seconds = sum(loop.seconds for loop in loops)
        share = min(1.0, seconds / max(etl.seconds, 1e-9))
        if not loops or share < self.stage_share_threshold:
            reason = "of the ETL time is Python per row" if not waiting else "of the ETL time; other rows mostly wait"
            return Fine(share if loops else 0.0, self.stage_share_threshold, "share", reason)
        saved = sum(self._saved(loop) for loop in loops)
        certain = sum(self._certain(loop) for loop in loops)
        price = gain(
            saved,
            recording.wall_seconds,
            f"t' = rows x {self.vectorised_seconds * 1e6:.2f} us instead of the measured "
            f"{seconds / sum(loop.rows for loop in loops) * 1e6:.0f} us",
            low_seconds=min(saved, max(certain, 0.8 * saved)),
            high_seconds=min(seconds, saved * 1.05),
            confidence=0.6,
        )
        if price.share < self.min_gain_share:
            return Fine(price.share, self.min_gain_share, "share", "of the run would be saved by vectorising")
        by_site: dict[object, list[RowLoop]] = {}
        for loop in loops:
            by_site.setdefault(loop.site, []).append(loop)
        worst = max(by_site.values(), key=lambda group: sum(loop.seconds for loop in group))
        return self._finding(worst, share, price, recording.wall_seconds)

    def _finding(self, worst: list[RowLoop], share: float, price: Gain, wall_seconds: float) -> Finding:
        first = worst[0]
        rows = sum(loop.rows for loop in worst)
        seconds = sum(loop.seconds for loop in worst)
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=_shared.location(first.site),
            evidence=(
                Evidence("call", first.call + (f" of {first.function}" if first.function else "")),
                Evidence("rows", rows, "count"),
                Evidence("time per row", seconds / max(1, rows), "s"),
                Evidence("time in the loop", seconds, "s"),
                Evidence("share of the run", seconds / max(wall_seconds, 1e-9), "share"),
                Evidence("share of the ETL time", share, "share"),
            ),
            gain=price,
            fix=Fix("Work on whole columns instead of rows", self._snippet(first), effort=2),
            after="the vectorised operations and the reading of the data",
            removes={"etl.transform": price.seconds},
        )

    def _saved(self, loop: RowLoop) -> float:
        """Seconds that vectorising takes away; of a heavy function half is assumed to remain."""
        own = self._certain(loop)
        heavy = max(0.0, loop.seconds - self.heavy_factor * own)
        return max(0.0, loop.seconds - heavy / 2 - loop.rows * self.vectorised_seconds)

    def _certain(self, loop: RowLoop) -> float:
        if loop.own_seconds is not None:
            return loop.own_seconds
        return min(loop.seconds, loop.rows * self.machinery_seconds.get(loop.call, 1e-6))

    @staticmethod
    def _snippet(loop: RowLoop) -> str:
        if loop.call == "DataFrame.iterrows":
            return (
                '# instead of: for _, row in frame.iterrows(): total += row["a"] * row["b"]\n'
                'total = (frame["a"] * frame["b"]).sum()\n'
                '# a condition per row becomes: np.where(frame["a"] > 0, frame["b"], 0.0)\n'
                "# stop-gap, the loop kept: for row in frame.itertuples(index=False): ... row.a"
            )
        name = loop.function if loop.function.isidentifier() else "function"
        return (
            f"# instead of applying {name} to every row, write it with whole columns:\n"
            'frame["new"] = frame["a"] * frame["b"]\n'
            'frame["new"] = np.where(frame["a"] > 0, frame["b"], 0.0)   # if / else\n'
            'frame["hour"] = frame["when"].dt.hour                      # dates; .str for text'
        )
