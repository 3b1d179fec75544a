"""Accelerators that run below their highest clock during the steps, because of heat or their power limit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...recording.model import Recording, Table
from .. import Missing
from ..training.steps import Steps

Floats = npt.NDArray[np.float64]
_MIN_SAMPLES = 20
_BUSY_SHARE = 0.5  # utilization above which the clock matters: an idle device lowers its clock by itself
_SLOW_SHARE = 0.85  # of the highest clock (gpuprof: 15 % below it)
_HOT_CELSIUS = 82.0  # gpuprof
_AT_LIMIT_SHARE = 0.95  # of the power limit


@dataclass(frozen=True)
class Clocks:
    """Clock losses of the device that loses most, as shares of the step time that the highest clock would save.

    ``hot_loss_share``: while the device is slow and hot; ``capped_loss_share``: while it is slow at its power limit but
    not hot. ``clock_share``: mean clock while slow, relative to the highest; ``temperature_celsius``: mean while slow,
    0 if it never is. ``simulated``: the values are made up.
    """

    device: int
    hot_loss_share: float
    capped_loss_share: float
    clock_share: float
    temperature_celsius: float
    simulated: bool = False

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Clocks:
        table = recording.gpu
        if not len(table.get("time_ns", ())):
            raise Missing("No accelerator was measured.")
        if not steps.count:
            raise Missing("No steps after warm-up to compare the accelerator with.")
        names = ("utilization", "sm_clock_hz", "sm_clock_max_hz", "temperature_celsius")
        if any(name not in table for name in names):
            raise Missing("The accelerator does not report its clock and temperature.")
        at, index = table["time_ns"].astype(np.int64), table["index"]
        known = ~np.isnan(np.array([np.asarray(table[name], dtype=float) for name in names])).any(axis=0)
        inside = known & (at >= steps.start_ns[0]) & (at <= steps.end_ns[-1])
        devices = [int(device) for device in np.unique(index[inside])]
        if not devices or inside.sum() / len(devices) < _MIN_SAMPLES:
            raise Missing("The accelerator clock was sampled too rarely to judge.")
        simulated = bool(recording.run.get("gpu_simulated", False))
        found = [_judged(table, inside & (index == device), device, simulated) for device in devices]
        return max(found, key=lambda clocks: (clocks.hot_loss_share, clocks.capped_loss_share))


def _judged(table: Table, mine: npt.NDArray[np.bool_], device: int, simulated: bool) -> Clocks:
    def column(name: str) -> Floats:
        values = table.get(name)
        return np.full(int(mine.sum()), np.nan) if values is None else np.asarray(values, dtype=float)[mine]

    busy, heat = column("utilization"), column("temperature_celsius")
    clock = column("sm_clock_hz") / np.maximum(column("sm_clock_max_hz"), 1.0)
    slow = (busy >= _BUSY_SHARE) & (clock < _SLOW_SHARE)
    hot = slow & (heat > _HOT_CELSIUS)
    capped = slow & ~hot & (column("power_watts") >= _AT_LIMIT_SHARE * column("power_limit_watts"))
    losses = busy * (1.0 - clock)
    why = hot if hot.any() else capped
    return Clocks(
        device,
        float((losses * hot).mean()),
        float((losses * capped).mean()),
        float(clock[why].mean()) if why.any() else 1.0,
        float(heat[why].mean()) if why.any() else 0.0,
        simulated,
    )
