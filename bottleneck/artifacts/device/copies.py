"""Copies to the device in the traced steps: their sizes, their source memory, and how much time is exposed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...recording.intervals import overlap, seconds_of
from .window import Device

_SMALL_SECONDS = 1e-3  # longest small copy, and longest pause before the next one in its run (RP)
_RUN = 3  # this many small copies in a row make a run (RP)
_LARGE_BYTES = 1 << 20  # a smaller copy says little about a link's speed
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DeviceCopies:
    """Copies to the device. ``sizes`` (bytes) and ``seconds`` have one value per copy.

    Per step: ``total_seconds`` of copying, and ``exposed_seconds`` of it with no kernel running. ``pageable_bytes``
    come from pageable memory (None if unknown) and take ``pageable_seconds``, with ``pageable_exposed_seconds`` of that
    exposed. ``run_copy_count``: small copies in a row, in ``run_count`` runs.
    ``pageable_bytes_per_second``, ``pinned_bytes_per_second``: rates of the large copies, None if there are none.
    ``call_seconds``: host time for one copy in a run; ``pitch_seconds``: from the start of one to the next.
    """

    sizes: npt.NDArray[np.int64] = field(repr=False)
    seconds: Floats = field(repr=False)
    copies_per_step: float
    bytes_per_step: float
    total_seconds: float
    exposed_seconds: float
    pageable_bytes: float | None
    pageable_seconds: float
    pageable_exposed_seconds: float
    pageable_bytes_per_second: float | None
    pinned_bytes_per_second: float | None
    run_copy_count: float
    run_count: float
    call_seconds: float
    pitch_seconds: float

    @classmethod
    def compute(cls, device: Device) -> DeviceCopies:
        copies = device.of("memcpy_h2d")
        sizes, seconds = device.rows["bytes"][copies], device.seconds(copies)
        flags = device.rows["pageable"][copies]
        kernels = device.spans(device.of("kernel", "collective"))
        paged = copies[flags == 1]
        in_runs, run_count = _runs(device)
        call, pitch = _calls(device, in_runs)
        count = device.steps
        return cls(
            sizes,
            seconds,
            copies_per_step=len(copies) / count,
            bytes_per_step=float(sizes.sum()) / count,
            total_seconds=seconds_of(device.spans(copies)) / count,
            exposed_seconds=_uncovered_seconds(device.spans(copies), kernels) / count,
            pageable_bytes=None if (flags == -1).any() else float(sizes[flags == 1].sum()) / count,
            pageable_seconds=float(seconds[flags == 1].sum()) / count,
            pageable_exposed_seconds=_uncovered_seconds(device.spans(paged), kernels) / count,
            pageable_bytes_per_second=_bytes_per_second(sizes, seconds, flags == 1),
            pinned_bytes_per_second=_bytes_per_second(sizes, seconds, flags == 0),
            run_copy_count=len(in_runs) / count,
            run_count=run_count / count,
            call_seconds=call,
            pitch_seconds=pitch,
        )


def _bytes_per_second(sizes: npt.NDArray[np.int64], seconds: Floats, mask: npt.NDArray[np.bool_]) -> float | None:
    mask = mask & (sizes >= _LARGE_BYTES)
    return float(sizes[mask].sum() / max(seconds[mask].sum(), 1e-12)) if mask.any() else None


def _runs(device: Device) -> tuple[npt.NDArray[np.int64], int]:
    """(copies in runs of small ones, number of runs). Only short pauses and no kernels separate the copies of a run."""
    rows = device.of("memcpy_h2d", "kernel", "collective")
    copies = np.isin(rows, device.of("memcpy_h2d")) & (device.seconds(rows) < _SMALL_SECONDS)
    pause = np.append(np.inf, (device.rows["t0"][rows][1:] - device.rows["t1"][rows][:-1]) / 1e9)
    joins = copies & (pause < _SMALL_SECONDS)
    starts = ~joins | ~np.append(False, copies[:-1])
    number = np.cumsum(starts)
    members = np.bincount(number, weights=copies.astype(float))
    kept = copies & (members[number] >= _RUN)
    return rows[kept], len(np.unique(number[kept]))


def _calls(device: Device, copies: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Medians over the operations behind these copies: duration, and time from the start of one to the next.

    A median, because the first copy of a run may wait for earlier work, and a gap between runs is not copying.
    """
    numbers = np.setdiff1d(device.rows["op"][copies], [-1])
    mine = device.of("cpu_op")
    mine = mine[np.isin(device.rows["op"][mine], numbers)]
    if len(mine) < _RUN:
        return 0.0, 0.0
    call = float(np.median(device.seconds(mine)))
    return call, max(call, float(np.median(np.diff(device.rows["t0"][mine]))) / 1e9)


def _uncovered_seconds(spans: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> float:
    return seconds_of(spans) - float(overlap(spans, others).sum()) / 1e9
