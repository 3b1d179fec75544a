"""How much of the machine the program needed: cores while it ran its steps, memory, device memory. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from ...recording import facts
from ...recording.model import Recording
from .. import Missing
from ..training.steps import Steps
from .host import Host
from .machine import Machine

Floats = npt.NDArray[np.float64]
_WINDOW_NS = 1_000_000_000
_MIN_WINDOWS = 5


@dataclass(frozen=True, eq=False)
class CoreUse:
    """Cores that the program's threads kept busy, per second of the steps (of the whole run if it has none).

    ``busy``: all of them; ``beside``: those of other threads and processes than the main thread; ``native``: those of
    threads that are not the first of their process, which may spin while they wait. ``have``: those of the machine.
    """

    have: float
    busy: Floats
    beside: Floats
    native: Floats
    in_steps: bool

    @property
    def peak(self) -> float:
        """In the busiest second."""
        return float(self.busy.max())

    def slower(self, cores: float) -> tuple[float, float, float]:
        """(at least, expected, at most) time on so few cores, in times of the time measured.

        More than ``cores`` threads at once then take turns. How often that happens is not known within a second, only
        between which bounds it lies: ``busy`` threads at least fill the cores, and at most all of them run on all cores
        of this machine, or at none. What runs beside the main thread is no more than ``beside``.
        """
        have, n = self.have, cores
        if n >= have:
            return 1.0, 1.0, 1.0
        sure = np.maximum(0.0, (self.busy - self.native) / n - 1.0)
        most = self.busy * (have - n) / have
        if have > 1:
            most = np.minimum(most, self.beside * (have - n) / (have - 1.0))
        least, greatest = float(sure.mean()), float(np.maximum(most / n, sure).mean())
        return 1.0 + least, 1.0 + (least + greatest) / 2, 1.0 + greatest


@dataclass(frozen=True, eq=False)
class Peaks:
    """``memory_bytes``: resident in all processes together (shared pages once per process), at the most; of
    ``have_bytes``. ``device_bytes``: of the fullest device's ``device_have_bytes``. None: not measured."""

    cores: CoreUse | None
    memory_bytes: float | None
    have_bytes: float | None
    device_bytes: float | None
    device_have_bytes: float | None

    @classmethod
    def compute(cls, recording: Recording, machine: Machine, host: Host | None, steps: Steps | None) -> Peaks:
        device, of_device = _device_memory(recording)
        if host is None and device is None:
            raise Missing("Neither the cores nor the memory that the program uses were sampled.")
        memory = None if host is None else host.most("rss_bytes")
        return cls(
            None if host is None else _core_use(host, machine, steps),
            memory or None,
            float(machine.memory_bytes) or None,
            device,
            of_device,
        )


def _core_use(host: Host, machine: Machine, steps: Steps | None) -> CoreUse | None:
    """None if the CPU time was not sampled for long enough."""
    first, last = int(host.time_ns[0]), int(host.time_ns[-1])
    if steps is not None and steps.count:
        first, last = max(first, int(steps.start_ns[0])), min(last, int(steps.end_ns[-1]))
    count = (last - first) // _WINDOW_NS
    if count < _MIN_WINDOWS:
        return None
    edges = first + np.arange(count + 1, dtype=np.int64) * _WINDOW_NS
    cpu = host.rises("cpu_ns_total", edges)
    if cpu is None:
        return None
    firsts, main = (host.rises(name, edges) for name in ("first_thread_cpu_ns_total", "main_first_thread_cpu_ns_total"))
    busy = np.minimum(cpu / _WINDOW_NS, machine.cores)
    beside = busy if main is None else np.maximum(busy - main / _WINDOW_NS, 0.0)
    native = busy if firsts is None else np.maximum(busy - firsts / _WINDOW_NS, 0.0)
    return CoreUse(machine.cores, busy, beside, native, steps is not None and bool(steps.count))


def _device_memory(recording: Recording) -> tuple[float | None, float | None]:
    """(the most bytes that the program held on one device, the size of that device)."""
    found: list[tuple[float, float]] = []
    table = recording.gpu
    held, whole = table.get("process_memory_bytes"), table.get("memory_total_bytes")
    if held is not None and len(held) and not np.isnan(held).all():
        at = int(np.nanargmax(held))
        found.append((float(held[at]), nan if whole is None else float(whole[at])))
    found += [(float(f.peak_bytes), float(f.total_bytes)) for _, f in recording.facts.of(facts.DeviceMemory)]
    if not found:
        return None, None
    most, size = max(found, key=lambda pair: pair[0])
    return most, size if size > 0 else None
