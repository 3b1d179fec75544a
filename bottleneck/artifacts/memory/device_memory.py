"""What torch's caching allocator said of the accelerator's memory during the run. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording import facts
from ...recording.model import Recording
from .. import Missing
from ..run.host import Floats, late_slope, r_squared, theil_sen
from ..training.steps import Steps

_MIN_LOOKS = 3


@dataclass(frozen=True)
class DeviceMemory:
    """Of the training process's device, looked at every so many steps after warm-up.

    ``peak_bytes``: the most that tensors held; ``total_bytes``: of the device. ``retries``: times that the allocator
    gave everything back and tried again; ``device_allocations``, ``device_frees``: blocks that it took from the driver
    and gave back to it; all since the first look. ``reserved_bytes``, ``held_bytes``: what it has of the device, and
    what tensors hold of that, medians.
    ``slope``: bytes that tensors hold more after each step, and ``r2`` of that line; ``late_slope``: of the last third;
    ``growth_bytes``: over all looks; ``free_bytes``: that tensors can still take.
    """

    peak_bytes: float
    total_bytes: float
    retries: int
    device_allocations: int
    device_frees: int
    reserved_bytes: float
    held_bytes: float
    slope: float
    late_slope: float
    growth_bytes: float
    r2: float
    free_bytes: float
    simulated: bool = False

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> DeviceMemory:
        looks = recording.facts.of_process(facts.DeviceMemory, steps.process)
        if steps.count:
            looks = [look for look in looks if look.time_ns >= steps.start_ns[0]]
        if not steps.count or len(looks) < _MIN_LOOKS:
            raise Missing("Accelerator memory was not recorded.")

        def column(name: str) -> Floats:
            return np.array([getattr(look, name) for look in looks], float)

        held, times = column("allocated_bytes"), column("time_ns")
        at = np.interp(times, steps.end_ns.astype(float), np.arange(1.0, steps.count + 1.0))
        slope, intercept = theil_sen(at, held)
        first, last = looks[0], looks[-1]
        total = float(column("total_bytes").max())
        return cls(
            peak_bytes=float(column("peak_bytes").max()),
            total_bytes=total,
            retries=last.retries - first.retries,
            device_allocations=last.device_allocations - first.device_allocations,
            device_frees=last.device_frees - first.device_frees,
            reserved_bytes=float(np.median(column("reserved_bytes"))),
            held_bytes=float(np.median(held)),
            slope=slope,
            late_slope=late_slope(at, held),
            growth_bytes=float(held[-1] - held[0]),
            r2=r_squared(at, held, slope, intercept),
            free_bytes=max(0.0, total - float(held[-1])),
            simulated=bool(recording.run.get("gpu_simulated", False)),
        )
