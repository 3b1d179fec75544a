"""The energy of a run as the diagnosis states it."""

from __future__ import annotations

from dataclasses import asdict

from ..artifacts import Artifacts, Missing
from ..artifacts.device import energy as measured
from .model import Energy, GpuEnergy

_UNKNOWN = "At least one accelerator of the run reports neither its energy nor its power."


def energy_of(artifacts: Artifacts) -> Energy:
    """The energy, or the reason why it was not measured."""
    try:
        found = artifacts.get(measured.Energy)
    except Missing as missing:
        return Energy(reason=str(missing))
    return Energy(
        joules=found.joules,
        joules_per_step=found.joules_per_step,
        joules_per_sample=found.joules_per_sample,
        seconds=found.seconds,
        basis=found.basis or "not-measured",
        reason="" if found.basis else _UNKNOWN,
        gpus=tuple(GpuEnergy(**asdict(gpu)) for gpu in found.gpus),
    )
