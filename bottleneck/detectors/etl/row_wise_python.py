"""Python code runs once per row where one call per column would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...artifacts.etl.accesses import Access
from ...artifacts.etl.stages import Etl, RowLoop
from ...artifacts.run.host import Host
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Outcome
from ...diagnosis.laws import gain
from ...recording.model import Recording, Site
from .. import Detector
from .._common import location
from . import _shared

_ACCESS_SNIPPET = """\
# instead of: for i in range(len(frame)): total.append(frame.loc[i, "a"] * frame.loc[i, "b"])
frame["total"] = frame["a"] * frame["b"]
# a look-up per row becomes: frame["state"].map(table)
# stopgap: for a, b in zip(frame["a"].tolist(), frame["b"].tolist()): ..."""


@dataclass(frozen=True)
class _Place:
    """One line of the user's with what it costs and what vectorising saves; ``phase``: where that time is shown."""

    site: Site | None
    seconds: float
    gain: Gain
    evidence: tuple[Evidence, ...]
    snippet: str
    phase: str


class RowWisePython(Detector):
    """A table is processed row by row in Python.

    Why it matters
        A row costs microseconds (iterrows about 100, apply about 20); a vectorised operation costs about 0.05 per
        row.
    How it is measured
        Loops over ``DataFrame.iterrows`` and calls of ``apply`` or ``map`` with a Python function: rows, wall and CPU
        time. Training steps and file reads inside such a loop are not counted. The gain is that time minus the
        vectorised cost; what a function does beyond pandas' own cost per row may remain, and the range includes that.
        Loops over ``df.loc[i, "a"]``, ``iloc`` or ``at`` are found in the call stacks, outside steps: the samples of
        one function in pandas' access to single values or rows.
    How to fix it
        Work on whole columns; ``itertuples`` is a stopgap, about 15 times faster than ``iterrows``.
    When to ignore it
        When the function calls a service, or a library that has no columnar form. Loops that mostly wait are not
        reported.
    """

    id = "row-wise-python"
    title = "Rows are processed one by one in Python"
    stage = "etl"
    explains = ("residual-python", "input-wait")
    per_row_threshold_seconds = 5e-6  # beyond it the rows are handled in Python (own)
    stage_share_threshold = 0.05  # of the ETL time (own)
    min_gain_share = _shared.MIN_GAIN_SHARE
    min_cpu_share = 0.5  # below it the rows wait for something else (a service, a disk)
    timing_error = 0.05  # the loop itself is measured; what its objects cost elsewhere is not
    vectorised_seconds = 0.05e-6  # per row and column touched (own measurement)
    # pandas' own cost per row (own measurement): what certainly goes.
    machinery_seconds: ClassVar[dict[str, float]] = {
        "DataFrame.iterrows": 102e-6,
        "DataFrame.apply": 19e-6,
        "Series.apply": 0.5e-6,
        "Series.map": 0.5e-6,
    }
    heavy_factor = 5  # a function beyond this many times pandas' own cost does work that may well remain

    def detect(self, recording: Recording, etl: Etl, host: Host | None) -> Outcome:
        loops = [loop for loop in etl.loops if loop.per_row_seconds > self.per_row_threshold_seconds]
        waiting = [loop for loop in loops if self._waits(loop, host)]
        by_site: dict[Site | None, list[RowLoop]] = {}
        for loop in loops:
            if loop not in waiting:
                by_site.setdefault(loop.site, []).append(loop)
        least = self.stage_share_threshold * recording.wall_seconds
        places = [self._of_loops(group, recording) for group in by_site.values()]
        places += [self._of_access(access, recording) for access in etl.accesses if access.seconds >= least]
        seconds = sum(place.seconds for place in places)
        share = min(1.0, seconds / max(etl.seconds, 1e-9))
        if not places or share < self.stage_share_threshold:
            reason = (
                "ETL time spent in Python per row"
                if not waiting
                else "ETL time spent in Python per row; other rows mostly wait"
            )
            return Fine(share, self.stage_share_threshold, "share", reason)
        worst = max(places, key=lambda place: place.seconds)
        if worst.gain.share < self.min_gain_share:
            return Fine(worst.gain.share, self.min_gain_share, "share", "run time that vectorising would save")
        others = _shared.other_lines(worst.site, {place.site: place.seconds for place in places})
        return self.finding(
            location=location(worst.site),
            evidence=(
                *worst.evidence,
                Evidence("time in the loop", worst.seconds, "s"),
                Evidence("share of the run", worst.seconds / max(recording.wall_seconds, 1e-9), "share"),
                Evidence("share of the ETL time", min(1.0, worst.seconds / max(etl.seconds, 1e-9)), "share"),
                *others,
            ),
            gain=worst.gain,
            fix=Fix(f"Work on whole columns instead of rows{_shared.also(others)}", worst.snippet, effort=2),
            after="the vectorised operations and reading the data become the bottleneck",
            removes={worst.phase: worst.gain.seconds},
        )

    def _waits(self, loop: RowLoop, host: Host | None) -> bool:
        queued = _shared.queued_seconds(host, loop.t0, loop.t1)
        return loop.cpu_seconds + queued < self.min_cpu_share * loop.seconds

    def _of_loops(self, loops: list[RowLoop], recording: Recording) -> _Place:
        """The recorded loops of one line."""
        seconds, rows = sum(loop.seconds for loop in loops), sum(loop.rows for loop in loops)
        saved = sum(self._saved_seconds(loop) for loop in loops)
        certain = sum(self._certain_seconds(loop) for loop in loops)
        price = gain(
            saved,
            recording.wall_seconds,
            f"t' = rows x {self.vectorised_seconds * 1e6:.2f} us instead of the measured "
            f"{seconds / max(1, rows) * 1e6:.0f} us",
            low_seconds=min(saved, max(certain, 0.8 * saved)),
            high_seconds=min(seconds, saved * 1.05),
            relative_error=self.timing_error,
            confidence=0.8,  # the loop is measured, and what remains is little
        )
        first = loops[0]
        evidence = (
            Evidence("call", first.call + (f" of {first.function}" if first.function else "")),
            Evidence("rows processed", rows, "count"),
            Evidence("time per row", seconds / max(1, rows), "s"),
        )
        return _Place(first.site, seconds, price, evidence, self._snippet(first), "etl.transform")

    def _of_access(self, access: Access, recording: Recording) -> _Place:
        """A loop over ``df.loc[i, ...]`` and its like, seen in the samples alone."""
        price = gain(
            access.seconds,
            recording.wall_seconds,
            f"{access.samples} samples in pandas' access to single values, which columns do not need",
            low_seconds=0.8 * access.seconds,
            high_seconds=1.2 * access.seconds,  # the user's own lines between two accesses go as well
            relative_error=self.timing_error,
            confidence=0.6,
        )
        evidence = (
            Evidence("call", "access to single values of a table ([], loc, iloc, at)"),
            Evidence("samples in this access", access.samples, "count"),
        )
        return _Place(access.site, access.seconds, price, evidence, _ACCESS_SNIPPET, "setup")

    def _saved_seconds(self, loop: RowLoop) -> float:
        """Seconds that vectorising takes away; of a heavy function half is assumed to remain."""
        own = self._certain_seconds(loop)
        heavy = max(0.0, loop.seconds - self.heavy_factor * own)
        return max(0.0, loop.seconds - heavy / 2 - loop.rows * self.vectorised_seconds)

    def _certain_seconds(self, loop: RowLoop) -> float:
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
                "# stopgap: for row in frame.itertuples(index=False): ... row.a"
            )
        name = loop.function if loop.function.isidentifier() else "function"
        return (
            f"# instead of applying {name} to every row, write it with whole columns:\n"
            'frame["new"] = frame["a"] * frame["b"]\n'
            'frame["new"] = np.where(frame["a"] > 0, frame["b"], 0.0)   # if / else\n'
            'frame["hour"] = frame["when"].dt.hour                      # dates; .str for text'
        )
