"""How large a machine the run needs: its peaks with head-room, and the time that fewer cores would cost. Pure."""

from __future__ import annotations

import math

from ...artifacts import Artifacts, Missing
from ...artifacts.loading.loading import Loading
from ...artifacts.run.crowding import Crowding
from ...artifacts.run.peaks import CoreUse, Peaks
from ...artifacts.training.steps import Steps
from .model import FewerCores, Size

HEAD_ROOM = 0.20
_GIB = 1 << 30
#: P10 to P90 of what differs between two runs of one program: 1.28 times the noise that ``laws`` takes for it, and a
#: little for the law (own). ``benchmarks/right_size.py`` tries both.
_ERROR = 0.08


def size_of(artifacts: Artifacts) -> Size:
    """The sizes, as far as they were measured."""
    try:
        peaks = artifacts.get(Peaks)
    except Missing as reason:
        return Size(missing=(str(reason),))
    steps, missing = artifacts.find(Steps), list[str]()
    cores, enough, fewer = peaks.cores, None, list[FewerCores]()
    if cores is None:
        missing.append("The cores that the program uses were not sampled, or for less than five seconds of its steps.")
    elif (crowding := artifacts.find(Crowding)) is not None and crowding.crowded:
        missing.append(f"How many cores are enough is not known: {crowding}.")
    else:
        enough = max(1, math.ceil(cores.peak * (1.0 + HEAD_ROOM) - 1e-9))
        typical = steps.typical_seconds if steps is not None and cores.in_steps else None
        fewer = [_fewer(cores, count, typical) for count in _counts(cores.have, enough)]
    if peaks.memory_bytes is None:
        missing.append("The memory that the program uses was not sampled.")
    needed, have = _cores_per_accelerator(artifacts, steps)
    return Size(
        cores_have=None if cores is None else cores.have,
        cores_peak=None if cores is None else cores.peak,
        cores_enough=enough,
        memory_have=peaks.have_bytes,
        memory_peak=peaks.memory_bytes,
        memory_enough=_with_room(peaks.memory_bytes),
        device_memory_have=peaks.device_have_bytes,
        device_memory_peak=peaks.device_bytes,
        device_memory_enough=_with_room(peaks.device_bytes),
        cores_per_accelerator=needed,
        cores_per_accelerator_have=have,
        fewer_cores=tuple(fewer),
        missing=tuple(missing),
    )


def _with_room(peak: float | None) -> float | None:
    """In whole GiB, as machines come."""
    return None if peak is None else float(math.ceil(peak * (1.0 + HEAD_ROOM) / _GIB) * _GIB)


def _counts(have: float, enough: int) -> list[int]:
    """The numbers of cores that are worth a thought: those that are enough, and machines come in powers of two."""
    powers = (1 << power for power in range(12))
    return sorted({count for count in (enough, *powers) if count < have})


def _fewer(use: CoreUse, cores: int, typical: float | None) -> FewerCores:
    low, factor, high = use.slower(cores)
    return FewerCores(
        cores, factor, low * (1.0 - _ERROR), high * (1.0 + _ERROR), None if typical is None else typical * factor
    )


def _cores_per_accelerator(artifacts: Artifacts, steps: Steps | None) -> tuple[float | None, float | None]:
    """(that the pipeline law asks for, that there are), of one rank; the step's own work must not wait for its input.

    T' = max(C, (Lcpu + Ccpu) / cores): from (Lcpu + Ccpu) / C cores on, more of them gain nothing.
    """
    loading = artifacts.find(Loading)
    if loading is None or steps is None or not steps.accelerated:
        return None, None
    work = float(loading.work_seconds.mean())
    if work <= 0:
        return None, None
    needed = (loading.load_cpu_seconds + loading.work_cpu_seconds) / work
    return needed * (1.0 + HEAD_ROOM), loading.all_cores
