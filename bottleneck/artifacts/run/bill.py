"""What the machines of the run cost per hour, by the user's prices. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording.model import Recording
from .. import Missing
from ..serving.watched import Watched
from .machine import Machine, Settings


@dataclass(frozen=True)
class Bill:
    """``per_hour``: of all ``machines`` of the run together, in ``currency`` ("" if the user named none).

    ``assumption``: where the price comes from, unless the user gave it.
    """

    per_hour: float
    currency: str
    assumption: str
    machines: int

    def of(self, seconds: float) -> float:
        """What so many seconds of all machines cost."""
        return self.per_hour * seconds / 3600.0

    @classmethod
    def compute(cls, recording: Recording, settings: Settings, machine: Machine, watched: Watched | None) -> Bill:
        if settings.prices is None:
            raise Missing("No price was given (--price-per-hour).")
        gpus = _gpus(recording) or ["GPU"] * (0 if watched is None else len(watched.devices))
        known = recording.run.get("machine", {})
        rate = settings.prices.of_machine(
            machine.cores if "cores" in known else 0.0, machine.memory_bytes if "memory_bytes" in known else 0.0, gpus
        )
        if rate is None:
            what = f" with {', '.join(dict.fromkeys(gpus))}" if gpus else " of this size"
            raise Missing(f"No price is known of a machine{what} (--price-per-hour 2.50 gives one).")
        hosts = {process.host or recording.host_name for process in recording.facts.processes}
        return cls(rate.per_hour * max(1, len(hosts)), rate.currency, rate.assumption, max(1, len(hosts)))


def _gpus(recording: Recording) -> list[str]:
    """The names of the machine's GPUs; the MIG slices of one are one."""
    found = {
        str(fact.get("slice_of") or fact.get("uuid") or index): str(fact.get("name", "GPU"))
        for index, fact in enumerate(recording.run.get("gpus", ()))
    }
    return list(found.values())
