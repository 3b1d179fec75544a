"""What the run could use: cores by affinity and cgroup, options of the analysis."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording.model import Recording


@dataclass(frozen=True)
class Machine:
    """``cores``: usable by the process (affinity, cgroup quota), a fraction where a quota says so."""

    cores: float
    memory_bytes: int

    @classmethod
    def compute(cls, recording: Recording) -> Machine:
        machine = recording.run.get("machine", {})
        return cls(float(machine.get("cores", 1)), int(machine.get("memory_bytes", 0)))


@dataclass(frozen=True)
class Settings:
    """Options of the analysis that no recording holds. ``price_per_hour``: of one accelerator, any currency."""

    price_per_hour: float | None = None
