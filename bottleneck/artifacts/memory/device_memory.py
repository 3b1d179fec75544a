"""What torch's caching allocator reported about accelerator memory during the run. Pure."""

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
    """Memory of the training process's device, sampled every so many steps after warm-up.

    ``peak_bytes``: the most that tensors held; ``total_bytes``: of the device. ``retries``: how often the allocator
    released its cache and tried again; ``device_allocations``, ``device_frees``: blocks taken from the driver and
    returned to it; all counted from the first sample. ``reserved_bytes``, ``held_bytes``: medians of the memory the
    allocator has reserved, and of the part that tensors hold.
    ``slope``: growth per step of the bytes held by tensors, ``r2`` of that line; ``late_slope``: of the last third;
    ``growth_bytes``: over all samples; ``free_bytes``: still available for tensors.
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
