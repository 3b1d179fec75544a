"""How close the run came to running out of memory: the machine's or its cgroup's, and the accelerator's. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording.model import Recording
from .. import Missing
from ..run.host import Host
from ..run.machine import Machine
from .device_memory import DeviceMemory


@dataclass(frozen=True)
class MemoryHeadroom:
    """``used_bytes``: memory of all processes of the run at the worst moment; shared pages count once, page cache not
    at all. ``all_bytes``: the cgroup's memory if it is ``limited``, otherwise the machine's. ``device_share``: the most
    that tensors held of an accelerator's memory, not counting the allocator's reserve; None without an accelerator."""

    used_bytes: float
    all_bytes: float
    limited: bool
    device_share: float | None
    device_bytes: float
    simulated: bool = False

    @property
    def used_share(self) -> float:
        return self.used_bytes / max(self.all_bytes, 1.0)

    @classmethod
    def compute(cls, recording: Recording, host: Host, machine: Machine, device: DeviceMemory | None) -> MemoryHeadroom:
        available, rss = host.column("memory_available_bytes"), host.column("rss_bytes")
        limit = host.most("memory_limit_bytes")
        everything = min(limit or np.inf, machine.memory_bytes or np.inf)
        if available is None or rss is None or not np.isfinite(everything):
            raise Missing("Free memory was not measured.")
        # Pages that workers share count in the RSS of each, but use physical memory only once.
        used = np.fmin(rss, everything - available)
        if np.isnan(used).all():
            raise Missing("Free memory was not measured.")
        return cls(
            used_bytes=float(np.nanmax(used)),
            all_bytes=float(everything),
            limited=limit is not None and limit <= everything,
            device_share=None if device is None else device.peak_bytes / max(device.total_bytes, 1.0),
            device_bytes=0.0 if device is None else device.peak_bytes,
            simulated=bool(recording.run.get("host_simulated", False)),
        )
