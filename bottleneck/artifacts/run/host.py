"""What the machine did during the run, as functions of a time window: idle cores, faults, system time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...recording.model import Recording, Table
from .. import Missing

Floats = npt.NDArray[np.float64]


def obtainable(idle_cores: float, other_cores: float) -> float:
    """Cores that more threads of the program would get: those left idle, and half of those that other programs use,
    since the kernel shares a core equally between two threads that want it."""
    return idle_cores + other_cores / 2


@dataclass(frozen=True)
class Host:
    """Host samples of one run. Windows are in monotonic ns; a column that was not measured is None, never 0."""

    table: Table = field(repr=False)

    @property
    def time_ns(self) -> npt.NDArray[np.int64]:
        return self.table["time_ns"].astype(np.int64)

    def column(self, name: str) -> Floats | None:
        """A column as floats; None if it was never measured."""
        values = self.table.get(name)
        if values is None:
            return None
        found = np.asarray(values, dtype=float)
        return None if np.isnan(found).all() else found

    def mean(self, name: str, start_ns: int, end_ns: int) -> float | None:
        """Mean of a column such as ``idle_cores`` over the samples in a window; with none, the nearest sample."""
        values = self.column(name)
        if values is None:
            return None
        known = ~np.isnan(values)
        times, values = self.time_ns[known], values[known]
        inside = (times >= start_ns) & (times <= end_ns)
        if inside.any():
            return float(values[inside].mean())
        return float(values[int(np.argmin(np.abs(times - (start_ns + end_ns) // 2)))])

    def obtainable_cores(self, start_ns: int, end_ns: int) -> float | None:
        """``obtainable`` of the means in a window; None if idle cores were not measured."""
        idle, others = (self.mean(name, start_ns, end_ns) for name in ("idle_cores", "other_cores"))
        return None if idle is None else obtainable(idle, others or 0.0)

    def rise(self, name: str, start_ns: int, end_ns: int) -> float | None:
        """How much a ``_total`` column rose in a window, interpolated between samples; None if not measured."""
        risen = self.rises(name, np.array([start_ns, end_ns]))
        return None if risen is None else float(risen[0])

    def rises(self, name: str, edges_ns: npt.NDArray[np.int64]) -> Floats | None:
        """The same for each window between consecutive edges."""
        at = self._at(name, edges_ns)
        return None if at is None else np.maximum(np.diff(at), 0.0)

    def rate(self, name: str, starts_ns: npt.NDArray[np.int64], ends_ns: npt.NDArray[np.int64]) -> float | None:
        """Rise per second of a ``_total`` column over all the spans; None if not measured, or under a second in all."""
        length = float((ends_ns - starts_ns).sum())
        before, after = self._at(name, starts_ns), self._at(name, ends_ns)
        if before is None or after is None or length < 1e9:
            return None
        return float((after - before).sum()) / length * 1e9

    def _at(self, name: str, times_ns: npt.NDArray[np.int64]) -> Floats | None:
        """A ``_total`` column at these times, interpolated between samples; None with fewer than two."""
        values = self.column(name)
        if values is None or len(values) < 2:
            return None
        known = ~np.isnan(values)
        at: Floats = np.interp(times_ns.astype(float), self.time_ns[known].astype(float), values[known])
        return at

    def least(self, name: str) -> float | None:
        """The smallest value of a column over the whole run; None if not measured."""
        values = self.column(name)
        return None if values is None else float(np.nanmin(values))

    def most(self, name: str) -> float | None:
        """The largest value of a column over the whole run; None if not measured."""
        values = self.column(name)
        return None if values is None else float(np.nanmax(values))

    @property
    def idle_cores(self) -> float | None:
        """Mean idle cores over the whole run."""
        return self.mean("idle_cores", int(self.time_ns[0]), int(self.time_ns[-1]))

    @classmethod
    def compute(cls, recording: Recording) -> Host:
        if not len(recording.host.get("time_ns", ())):
            raise Missing("Host metrics were not sampled.")
        order = np.argsort(recording.host["time_ns"], kind="stable")
        return cls({name: np.asarray(column)[order] for name, column in recording.host.items()})


def theil_sen(x: Floats, y: Floats, most: int = 200) -> tuple[float, float]:
    """(slope, intercept) of the line through the median of pairwise slopes; up to a third of the points may be
    outliers."""
    if len(x) > most:
        chosen = np.linspace(0, len(x) - 1, most).astype(int)
        x, y = x[chosen], y[chosen]
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] - x[first]
    use = apart != 0
    if not use.any():
        return 0.0, float(np.median(y)) if len(y) else 0.0
    slope = float(np.median((y[second] - y[first])[use] / apart[use]))
    return slope, float(np.median(y - slope * x))


def late_slope(x: Floats, y: Floats) -> float:
    """``theil_sen`` over the last third of ``x``, which must be sorted."""
    late = x >= x[-1] - (x[-1] - x[0]) / 3
    return theil_sen(x[late], y[late])[0]


def r_squared(x: Floats, y: Floats, slope: float, intercept: float) -> float:
    """Share of the variance of ``y`` that the line explains, 0 to 1; 0 if ``y`` does not vary."""
    total = float(((y - y.mean()) ** 2).sum())
    if total <= 0:
        return 0.0
    return max(0.0, 1.0 - float(((y - slope * x - intercept) ** 2).sum()) / total)
