"""Time that the steps wait for swapped-out pages, judged by how steps slow down when more pages come back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording.model import Recording
from .. import Missing
from ..run.host import Floats, Host, r_squared, theil_sen
from ..training.steps import Steps

_WINDOW_SECONDS = 1.0
_MIN_WINDOWS = 8
_MIN_R2 = 0.5  # least r squared of the line through the windows: below it, the steps do not show what a fault costs
_MIN_SPREAD = 0.2  # least relative spread of faults per step between windows: equal ones define no line either
_PAGE = 4096


@dataclass(frozen=True)
class Swap:
    """Swapping during the steps after warm-up. ``bytes_per_second``: read back from swap, by the whole machine.

    ``faults_per_second``: major faults of the run's processes. ``swapped_share``: the largest share of these faults
    that can come from swap; the rest read files. ``fault_seconds``: cost of one fault to the loop, fitted over this
    run's own windows, None if they do not show it.
    """

    bytes_per_second: float
    faults_per_second: float
    swapped_share: float
    fault_seconds: float | None
    faults_per_step: float
    loop_seconds: float
    simulated: bool = False

    @property
    def lost_seconds(self) -> float | None:
        """Wall time of the loop lost to faults from swap; None if the cost of a fault is unknown."""
        if self.fault_seconds is None:
            return None
        faults = self.faults_per_second * self.loop_seconds * self.swapped_share
        return min(self.loop_seconds, faults * self.fault_seconds)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, host: Host) -> Swap:
        if not steps.count:
            raise Missing("No steps after warm-up.")
        start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
        faults = host.rise("major_faults_total", start, end)
        swapped = host.rise("swap_in_bytes_total", start, end)
        if faults is None or swapped is None:
            raise Missing("Page faults and swap are not counted on this system.")
        loop = max((end - start) / 1e9, 1e-9)
        return cls(
            bytes_per_second=swapped / loop,
            faults_per_second=faults / loop,
            swapped_share=min(1.0, swapped / _PAGE / max(faults, 1.0)),
            fault_seconds=_fault_seconds(steps, host, start, end),
            faults_per_step=faults / steps.count,
            loop_seconds=loop,
            simulated=bool(recording.run.get("host_simulated", False)),
        )


def _fault_seconds(steps: Steps, host: Host, start: int, end: int) -> float | None:
    """Slope of step time over faults per step, fitted across windows of the loop."""
    values = host.column("major_faults_total")
    count = int((end - start) / 1e9 / _WINDOW_SECONDS)
    if values is None or min(count, steps.count) < _MIN_WINDOWS:
        return None
    # Windows end at step boundaries, so there is at most one per step.
    ends = steps.end_ns.astype(float)
    chosen = np.unique(np.searchsorted(ends, np.linspace(ends[0], ends[-1], min(count, steps.count))))
    known = ~np.isnan(values)
    faults = np.interp(ends[chosen], host.time_ns[known].astype(float), values[known])
    done = np.diff(chosen).astype(float)
    seconds: Floats = np.diff(ends[chosen]) / 1e9 / done
    each: Floats = np.diff(faults) / done
    if np.ptp(each) < _MIN_SPREAD * max(float(each.mean()), 1e-9):
        return None
    slope, intercept = theil_sen(each, seconds)
    return slope if slope > 0 and r_squared(each, seconds, slope, intercept) >= _MIN_R2 else None
