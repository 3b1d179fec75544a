"""What the run could use: cores by affinity and cgroup, and options of the analysis."""

from __future__ import annotations

from dataclasses import dataclass

from ...prices import Prices
from ...recording.model import Recording


@dataclass(frozen=True)
class Machine:
    """``cores``: cores the process may use (affinity, cgroup quota); a quota can make it fractional."""

    cores: float
    memory_bytes: int

    @classmethod
    def compute(cls, recording: Recording) -> Machine:
        machine = recording.run.get("machine", {})
        return cls(float(machine.get("cores", 1)), int(machine.get("memory_bytes", 0)))


@dataclass(frozen=True)
class Settings:
    """Analysis options that are not part of a recording. ``prices``: None if the user gave none."""

    prices: Prices | None = None
