"""Totals of a run, added up from its tables: from all of a recording at once, or piece by piece while it is recorded.

What was not measured is not there, and never 0. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .. import signals
from .model import BY_FORWARD, BY_USER, Records, Table
from .stretches import ESTIMATED

Floats = npt.NDArray[np.float64]

#: Upper bounds in seconds: five to a decade for steps, as they are similar; 1, 2.5, 5 for requests.
STEP_BOUNDS = (*(round(base * 10.0**power, 6) for power in range(-3, 2) for base in (1, 1.6, 2.5, 4, 6.3)), 100.0)
REQUEST_BOUNDS = (*(round(base * 10.0**power, 6) for power in range(-3, 1) for base in (1, 2.5, 5)), 10.0)
MAX_ROUTES = 500  # kept apart; requests of further ones count together
OTHER_ROUTES = "(other routes)"
_NAME_MASK = 0xFFFFFFFF
_TOTALS = {
    "cpu_ns_total", "system_ns_total", "disk_read_bytes_total", "disk_write_bytes_total", "minor_faults_total",
    "major_faults_total", "voluntary_switches_total", "involuntary_switches_total",
}  # fmt: skip
_LATEST = ("rss_bytes", "threads", "processes", "memory_available_bytes", "memory_limit_bytes")
_GPU_LATEST = (
    "utilization", "memory_used_bytes", "memory_total_bytes", "power_watts", "temperature_celsius",
)  # fmt: skip
Names = Callable[[int, int], str]  # (process, number of a text) -> the text


@dataclass
class Durations:
    """A histogram. ``counts``: one more than ``bounds``, the last for what is longer."""

    bounds: tuple[float, ...]
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    seconds: float = 0.0
    extremes: tuple[float, float] = (np.inf, 0.0)  # the shortest and the longest

    def __post_init__(self) -> None:
        if not len(self.counts):
            self.counts = np.zeros(len(self.bounds) + 1, np.int64)

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    def add(self, seconds: Floats, times: npt.NDArray[np.int64] | None = None) -> None:
        """Count durations, each as often as ``times`` says."""
        weights = np.ones(len(seconds), np.int64) if times is None else times
        np.add.at(self.counts, np.searchsorted(self.bounds, seconds), weights)
        self.seconds += float((seconds * weights).sum())
        if len(seconds):
            self._stretch(float(seconds.min()), float(seconds.max()))

    def _stretch(self, least: float, most: float) -> None:
        self.extremes = min(self.extremes[0], least), max(self.extremes[1], most)

    def __add__(self, other: Durations) -> Durations:
        found = Durations(self.bounds, self.counts + other.counts, self.seconds + other.seconds, self.extremes)
        found._stretch(*other.extremes)
        return found


@dataclass
class GpuTally:
    """One GPU. ``busy_seconds``: with a kernel of any program; ``joules``: by its counter; None: not measured.

    ``now``: the last values of NVML's columns.
    """

    busy_seconds: float | None = None
    joules: float | None = None
    memory_peak_bytes: float | None = None
    now: dict[str, float] = field(default_factory=dict)
    _before: dict[str, tuple[int, float]] = field(default_factory=dict)

    def add(self, table: Table) -> None:
        """Rows of this GPU, in order of time."""
        times = table["time_ns"]
        for name in _GPU_LATEST:
            if (known := _known(table, name)) is not None:
                self.now[name] = float(table[name][known][-1])
        if (known := _known(table, "memory_used_bytes")) is not None:
            self.memory_peak_bytes = max(self.memory_peak_bytes or 0.0, float(table["memory_used_bytes"][known].max()))
        if (known := _known(table, "utilization")) is not None:
            at, values = self._with_before("utilization", times[known], table["utilization"][known])
            self.busy_seconds = (self.busy_seconds or 0.0) + float((np.diff(at) / 1e9 * values[1:]).sum())
        if (known := _known(table, "energy_joules_total")) is not None:
            _, values = self._with_before("energy", times[known], table["energy_joules_total"][known])
            rises = np.diff(values)  # it falls where the driver was loaded again
            self.joules = (self.joules or 0.0) + float(rises[rises > 0].sum())

    def _with_before(self, name: str, times: npt.NDArray[np.int64], values: Floats) -> tuple[Floats, Floats]:
        first = self._before.get(name, (int(times[0]), float(values[0])))
        self._before[name] = int(times[-1]), float(values[-1])
        return np.append(float(first[0]), times), np.append(first[1], values)


@dataclass
class Loop:
    """The steps of one loop of one process, and how many of its rows trained."""

    durations: Durations = field(default_factory=lambda: Durations(STEP_BOUNDS))
    rows: int = 0
    trained: int = 0


@dataclass
class Tally:
    """``totals``, ``now``: of the columns of the table ``host``. ``loops``: by (process, loader).

    ``requests``: "METHOD route status" -> durations.
    """

    totals: dict[str, float] = field(default_factory=dict)
    now: dict[str, float] = field(default_factory=dict)
    peak_rss_bytes: float | None = None
    idle_core_seconds: float | None = None
    gpus: dict[int, GpuTally] = field(default_factory=dict)
    loops: dict[tuple[int, int], Loop] = field(default_factory=dict)
    requests: dict[str, Durations] = field(default_factory=dict)
    _sampled_ns: int = 0

    @property
    def main_steps(self) -> Durations | None:
        """Those of the loop that the run is about: one that the user marks, else one that trains, else the longest.

        A server's forward passes are requests, and no steps.
        """
        found = [
            (loader == BY_USER, loop.trained * 2 >= loop.rows, loop.durations.seconds, loop.durations)
            for (_, loader), loop in self.loops.items()
            if loader != BY_FORWARD or not self.requests
        ]
        return max(found, key=lambda each: each[:3])[3] if found else None

    def add_host(self, table: Table) -> None:
        """Rows of the table ``host``, in order of time."""
        for name in _TOTALS:
            if (known := _known(table, name)) is not None:
                self.totals[name] = float(table[name][known][-1])
        for name in _LATEST:
            if (known := _known(table, name)) is not None:
                self.now[name] = float(table[name][known][-1])
        if (known := _known(table, "rss_bytes")) is not None:
            self.peak_rss_bytes = max(self.peak_rss_bytes or 0.0, float(table["rss_bytes"][known].max()))
        if (known := _known(table, "idle_cores")) is not None:
            times = table["time_ns"][known].astype(float)
            lengths = np.diff(np.append(self._sampled_ns or times[0], times)) / 1e9
            self.idle_core_seconds = (self.idle_core_seconds or 0.0) + float(
                (lengths * table["idle_cores"][known]).sum()
            )
            self._sampled_ns = int(times[-1])

    def add_gpus(self, table: Table) -> None:
        """Rows of the table ``gpu``, in order of time."""
        for index in np.unique(table["index"]).tolist():
            mine = table["index"] == index
            self.gpus.setdefault(int(index), GpuTally()).add({name: column[mine] for name, column in table.items()})

    def add_steps(self, table: Table) -> None:
        """Rows of the table ``steps``; one may stand for several steps."""
        times = np.maximum(table[ESTIMATED], 1) if ESTIMATED in table else np.ones(len(table["t0"]), np.int64)
        seconds = (table["t1"] - table["t0"]) / 1e9 / times
        keys = table["process"].astype("i8") << 32 | table["loader"].astype("u4")
        for key in np.unique(keys).tolist():
            mine = keys == key
            loop = self.loops.setdefault((key >> 32, int(np.int64(key).astype("i4"))), Loop())
            loop.durations.add(seconds[mine], times[mine].astype("i8"))
            loop.rows += int(mine.sum())
            loop.trained += int(table["trained"][mine].sum())

    def add_requests(self, records: Records, names: Names) -> None:
        """Records of the table ``requests``."""
        records = records[records["kind"] == signals.REQUEST]
        seconds = (records["t1"] - records["t0"]) / 1e9
        texts = records["arg"] & np.uint64(_NAME_MASK)
        keys = records["process"].astype("i8") << 32 | texts.astype("i8")
        for key in np.unique(keys).tolist():
            name = names(key >> 32, key & _NAME_MASK)
            if name not in self.requests and len(self.requests) >= MAX_ROUTES:
                name = OTHER_ROUTES
            self.requests.setdefault(name, Durations(REQUEST_BOUNDS)).add(seconds[keys == key])


def _known(table: Table, name: str) -> npt.NDArray[np.bool_] | None:
    """Where a column has values; None if it has none."""
    if name not in table:
        return None
    known = ~np.isnan(np.asarray(table[name], float))
    return known if known.any() else None
