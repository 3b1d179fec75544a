"""GPU samples over the steps: how idle each device was, and how much of that lies inside the data wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ...recording.model import Recording
from .. import Missing
from ..training.steps import Steps

Floats = npt.NDArray[np.float64]
_MIN_SAMPLES = 20
_WINDOW_NS = 1_000_000_000  # NVML's utilization is the mean of a window of a sixth of a second to a second


@dataclass(frozen=True)
class Gpu:
    """Utilization of the accelerators during the steps after warm-up; ``Missing`` if it was not measured.

    ``devices``: CUDA numbers. ``utilization``: time-weighted mean share (0 to 1) per device. ``idle_share``: mean idle
    share of the busiest device. ``idle_in_wait_share``: share of its idle time that falls in windows in which the loop
    mostly waited for data. ``simulated``: the recording says that its values are made up.
    """

    devices: tuple[int, ...]
    names: tuple[str, ...]
    utilization: tuple[float, ...]
    idle_share: float
    idle_in_wait_share: float
    run_utilization: float = field(default=0.0)  # mean of all devices over the whole run, set-up included
    simulated: bool = False

    @property
    def count(self) -> int:
        return len(self.devices)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Gpu:
        table = recording.gpu
        if not len(table.get("time_ns", ())) or "utilization" not in table:
            raise Missing("No accelerator was measured.")
        if not steps.count:
            raise Missing("No steps after warm-up to compare the accelerator with.")
        usage = np.asarray(table["utilization"], dtype=float)
        known = ~np.isnan(usage)
        times, index, usage = table["time_ns"][known].astype(np.int64), table["index"][known], usage[known]
        inside = (times >= steps.start_ns[0]) & (times <= steps.end_ns[-1])
        devices = [int(device) for device in np.unique(index[inside])]
        if not devices or inside.sum() / len(devices) < _MIN_SAMPLES:
            raise Missing("Accelerator utilization was sampled too rarely to judge.")
        means = [float(usage[inside & (index == device)].mean()) for device in devices]
        busiest = inside & (index == devices[int(np.argmax(means))])
        order = np.argsort(times[busiest], kind="stable")
        at, idle = times[busiest][order], 1.0 - usage[busiest][order]
        # Within one such window, device and loop activity cannot be told apart. Both are averaged over the window, and
        # idle time counts as data wait, up to the wait in that window.
        overlap = np.minimum(_mean_before(idle, at), _wait_share_before(steps, at))
        names = {int(fact["index"]): str(fact.get("name", "")) for fact in recording.run.get("gpus", ())}
        return cls(
            devices=tuple(devices),
            names=tuple(names.get(device, "") for device in devices),
            utilization=tuple(means),
            idle_share=float(idle.mean()),
            idle_in_wait_share=float(overlap.sum() / idle.sum()) if idle.sum() > 0 else 0.0,
            run_utilization=float(usage.mean()),
            simulated=bool(recording.run.get("gpu_simulated", False)),
        )


def _mean_before(values: Floats, at: npt.NDArray[np.int64]) -> Floats:
    """Mean of the samples in the window that ends at each sample."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.searchsorted(at, at - _WINDOW_NS, side="right")
    last = np.arange(1, len(at) + 1)
    means: Floats = (sums[last] - sums[first]) / (last - first)
    return means


def _wait_share_before(steps: Steps, at: npt.NDArray[np.int64]) -> Floats:
    """Share of the window ending at each sample in which the loop waited for data; only the part inside the steps
    counts."""
    waits = np.concatenate([[0.0], np.cumsum(steps.phase("data_wait", "loader_start"))])
    edges = np.concatenate([[steps.start_ns[0]], steps.end_ns]).astype(float)
    ends = at.astype(float)
    starts = np.maximum(ends - _WINDOW_NS, edges[0])
    waited = np.interp(ends, edges, waits) - np.interp(starts, edges, waits)
    share: Floats = np.clip(waited / np.maximum((ends - starts) / 1e9, 1e-9), 0.0, 1.0)
    return share
