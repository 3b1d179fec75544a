"""What torch's caching allocator said of the accelerator's memory during the run. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import Missing
from .host import Floats, theil_sen
from .steps import Steps
from .tables import Recording

_MIN_LOOKS = 3


@dataclass(frozen=True)
class DeviceMemory:
    """Of the training process's device, looked at every so many steps after warm-up.

    ``peak_bytes``: the most that tensors held; ``total_bytes``: of the device. ``retries``: times that the allocator
    gave everything back and tried again; ``device_allocations``: blocks that it asked the driver for, both since the
    first look; ``reserved_bytes``, ``held_bytes``: its reserve and what tensors hold of it, medians.
    ``slope``: bytes that tensors hold more after each step; ``growth_bytes``: over all looks; ``late_slope``: of the
    last third.
    """

    peak_bytes: float
    total_bytes: float
    retries: int
    device_allocations: int
    reserved_bytes: float
    held_bytes: float
    slope: float
    late_slope: float
    growth_bytes: float

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> DeviceMemory:
        looks = [fields for process, fields in recording.facts.of("device_memory") if process == steps.process]
        if steps.count:
            looks = [fields for fields in looks if fields["time_ns"] >= steps.start_ns[0]]
        if not steps.count or len(looks) < _MIN_LOOKS:
            raise Missing("The memory of an accelerator was not looked at.")

        def column(name: str) -> Floats:
            return np.array([fields[name] for fields in looks], float)

        held, times = column("allocated_bytes"), column("time_ns")
        at = np.interp(times, steps.end_ns.astype(float), np.arange(1.0, steps.count + 1.0))
        late = at >= at[-1] - (at[-1] - at[0]) / 3
        return cls(
            peak_bytes=float(column("peak_bytes").max()),
            total_bytes=float(column("total_bytes").max()),
            retries=int(looks[-1]["retries"] - looks[0]["retries"]),
            device_allocations=int(looks[-1]["device_allocations"] - looks[0]["device_allocations"]),
            reserved_bytes=float(np.median(column("reserved_bytes"))),
            held_bytes=float(np.median(held)),
            slope=theil_sen(at, held)[0],
            late_slope=theil_sen(at[late], held[late])[0],
            growth_bytes=float(held[-1] - held[0]),
        )
