"""The energy of the accelerators that the run uses, from NVML's counter or from samples of the power. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...recording import facts
from ...recording.model import Recording, Table
from .. import Absent, Missing
from ..loading.loader import Loader
from ..training.steps import Steps

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Basis = Literal["counter", "power"]
_MIN_SAMPLES = 10  # during the steps: with fewer, a step's energy would be that of the time around the steps


@dataclass(frozen=True)
class GpuEnergy:
    """``joules`` of one accelerator between its first and its last sample; None: it reports neither energy nor power.

    ``basis``: its counter, or an estimate from its power. ``whole_gpu``: the run uses a MIG slice of it, and the figure
    is the whole GPU's. ``shared``: processes that were not recorded used it too; None: not known.
    """

    index: int
    name: str
    joules: float | None
    basis: Basis | None
    whole_gpu: bool
    shared: bool | None


@dataclass(frozen=True)
class Energy:
    """Joules of all accelerators that the run uses; None: that of at least one is not known.

    ``seconds``: the time that ``joules`` are of. Per step: of all accelerators during one step of the main loop, after
    warm-up. Per sample: of that, where the batch size is known. ``basis``: "power" if one of them is an estimate.
    """

    joules: float | None
    joules_per_step: float | None
    joules_per_sample: float | None
    seconds: float
    basis: Basis | None
    gpus: tuple[GpuEnergy, ...]

    @classmethod
    def compute(cls, recording: Recording, steps: Steps | None, loader: Loader | None) -> Energy:
        table = recording.gpu
        if not len(table.get("time_ns", ())):
            raise Missing("No accelerator was measured.")
        used = _used(recording)
        facts_of = {int(fact.get("index", -1)): fact for fact in recording.run.get("gpus", ())}
        meters = {index: _meter(table, index) for index in used}
        gpus = tuple(_gpu(recording, index, facts_of.get(index, {}), meters[index]) for index in used)
        # The slices of one GPU all show its counter: it counts once.
        whole = {_whole(index, facts_of.get(index, {})): meters[index] for index in used}
        known = [meter for meter in whole.values() if meter is not None]
        if not known:
            raise Missing("The accelerator reports neither its energy nor its power.")
        seconds = max(meter.seconds for meter in known)
        basis: Basis = "power" if any(meter.basis == "power" for meter in known) else "counter"
        if len(known) < len(whole):  # a sum without one of them would be too small
            return cls(None, None, None, seconds, None, gpus)
        per_step = _per_step(known, steps)
        samples = _samples_per_step(steps, loader)
        return cls(
            sum(meter.joules for meter in known),
            per_step,
            per_step / samples if per_step is not None and samples else None,
            seconds,
            basis,
            gpus,
        )


@dataclass(frozen=True)
class _Meter:
    """Joules since the first sample, at each sample."""

    times: Ints
    total: Floats
    basis: Basis

    @property
    def joules(self) -> float:
        return float(self.total[-1])

    @property
    def seconds(self) -> float:
        return float(self.times[-1] - self.times[0]) / 1e9

    def between(self, t0: Ints, t1: Ints) -> Floats:
        """Joules in each window, which lies within the samples."""
        joules: Floats = np.interp(t1, self.times, self.total) - np.interp(t0, self.times, self.total)
        return joules


def _used(recording: Recording) -> list[int]:
    """The accelerators that recorded processes use, by CUDA's numbers. Raises Missing if that is not known."""
    table = recording.gpu
    visible = [int(index) for index in np.unique(table["index"])]
    ours = table.get("recorded_processes")
    if ours is not None and np.nansum(ours) > 0:
        return [index for index in visible if np.nansum(ours[table["index"] == index]) > 0]
    # In a container, NVML does not know our pids. Then the program itself tells that it uses an accelerator.
    users = {process for process, _ in recording.facts.of(facts.DeviceMemory)}
    users |= {process for process, fact in recording.facts.of(facts.DeviceInUse) if fact.name == "cuda"}
    if not users:
        raise Absent("No recorded process was seen to use an accelerator.")
    if len(users) < len(visible):
        raise Missing("The driver does not tell which of the accelerators this program used.")
    return visible


def _meter(table: Table, index: int) -> _Meter | None:
    mine = table["index"] == index
    for column, basis, totals in (("energy_joules_total", "counter", _counted), ("power_watts", "power", _integrated)):
        values = table.get(column)
        use = mine & ~np.isnan(values) if values is not None else np.zeros(len(mine), bool)
        order = np.argsort(table["time_ns"][use], kind="stable")
        times = table["time_ns"][use][order].astype(np.int64)
        total = totals(times, values[use][order].astype(float)) if values is not None and len(times) > 1 else None
        if total is not None:
            return _Meter(times, total, "counter" if basis == "counter" else "power")
    return None


def _counted(times: Ints, counter: Floats) -> Floats | None:
    """Joules since the first sample. Where the counter falls it was reset: such a time counts at the mean power."""
    added, passed = np.diff(counter), np.diff(times).astype(float)
    whole = added >= 0
    if not passed[whole].sum():
        return None
    mean = added[whole].sum() / passed[whole].sum()
    total: Floats = np.concatenate([[0.0], np.cumsum(np.where(whole, added, mean * passed))])
    return total


def _integrated(times: Ints, watts: Floats) -> Floats:
    """Joules since the first sample, by trapezoids."""
    passed = np.diff(times) / 1e9
    total: Floats = np.concatenate([[0.0], np.cumsum(passed * (watts[1:] + watts[:-1]) / 2)])
    return total


def _per_step(meters: list[_Meter], steps: Steps | None) -> float | None:
    """Mean joules of all devices during a step; None with too few samples or steps."""
    if steps is None or not steps.count:
        return None
    first = max(int(meter.times[0]) for meter in meters)
    last = min(int(meter.times[-1]) for meter in meters)
    inside = (steps.start_ns >= first) & (steps.end_ns <= last)
    t0, t1 = steps.start_ns[inside], steps.end_ns[inside]
    if not len(t0) or any(((m.times >= t0[0]) & (m.times <= t1[-1])).sum() < _MIN_SAMPLES for m in meters):
        return None
    return float(np.sum([meter.between(t0, t1) for meter in meters], axis=0).mean())


def _samples_per_step(steps: Steps | None, loader: Loader | None) -> float | None:
    """Mean number of samples in a step of all ranks; None if it was not recorded."""
    if steps is None or loader is None or not loader.facts.batch_size:
        return None
    size, samples, ranks = loader.facts.batch_size, loader.facts.samples, max(1, len(steps.ranks))
    if samples and ranks == 1 and not loader.facts.drop_last:
        return samples / -(-samples // size)  # the last batch of a pass may be smaller
    return float(size * ranks)


def _whole(index: int, known: dict[str, Any]) -> str:
    """What tells the GPU that a device is, or is a slice of, from the others."""
    return str(known.get("slice_of") or known.get("uuid") or index)


def _gpu(recording: Recording, index: int, known: dict[str, Any], meter: _Meter | None) -> GpuEnergy:
    others = recording.gpu.get("other_processes", np.empty(0))
    seen = others[recording.gpu["index"] == index] if len(others) else others
    return GpuEnergy(
        index=index,
        name=str(known.get("name", "")),
        joules=None if meter is None else meter.joules,
        basis=None if meter is None else meter.basis,
        whole_gpu=bool(known.get("slice_of")),
        shared=bool(np.nanmax(seen) > 0) if len(seen) and not np.isnan(seen).all() else None,
    )
