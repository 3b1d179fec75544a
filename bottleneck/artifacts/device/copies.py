"""Copies to the device in the steps that were traced: how large, from what memory, what of them nothing hides. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..run.breakdown import seconds_of
from .window import Device, overlap

_SMALL_SECONDS = 1e-3  # of a copy, and of the pause before the next one of its run (RP)
_RUN = 3  # such copies in a row are a run (RP)
_LARGE_BYTES = 1 << 20  # a smaller copy says little about a link's speed
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DeviceCopies:
    """``sizes`` (bytes), ``seconds``: one value for each copy to the device. Per step: ``total_seconds``, what copies
    take, ``exposed_seconds`` of it with no kernel beside them; ``pageable_bytes`` from memory that may be paged out,
    ``pageable_seconds`` what they take, ``pageable_exposed_seconds`` with no kernel beside them; None where nobody
    knows. ``pageable_bytes_per_second``, ``pinned_bytes_per_second``: of the large copies of either kind, None where
    there is none. ``run_copy_count``: small copies in a row, how many per step, in ``run_count`` runs;
    ``call_seconds``: what the host needs for one of them, ``pitch_seconds`` from one to the next.
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
    """(the copies in runs of small ones, how many runs): nothing but a short pause and no kernel between them."""
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
    """Medians of the operations behind these copies: how long, and how long from the start of one to the next.

    Medians, since the first of a run may wait for what was before it, and its step for what is not copying at all.
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
