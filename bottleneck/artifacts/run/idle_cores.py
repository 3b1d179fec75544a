"""When the cores of the machine were idle: before the steps, while these waited for data, and otherwise. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import Missing
from ..training.steps import Steps
from .host import Host
from .machine import Machine

_MIN_SAMPLES = 10


@dataclass(frozen=True)
class IdleCores:
    """``seconds``: cause -> seconds of the run that the idle part of the cores amounts to (half of the cores idle for
    10 s are 5 s)."""

    seconds: dict[str, float]

    @classmethod
    def compute(cls, host: Host, machine: Machine, steps: Steps | None) -> IdleCores:
        idle = host.column("idle_cores")
        if idle is None or len(idle) < _MIN_SAMPLES:
            raise Missing("Idle cores were not sampled during the run, or too rarely.")
        times = host.time_ns
        share = np.clip(np.nan_to_num(idle, nan=float(np.nanmean(idle))) / machine.cores, 0.0, 1.0)
        # A sample is about the time since the one before.
        lasted = np.diff(times, prepend=times[0]) / 1e9 * share
        if steps is None or not steps.all_count:
            return cls({"the whole run": float(lasted.sum())})
        rows = steps.rows
        first, last = int(rows["t0"][0]), int(rows["t1"][-1])
        before, after = times <= first, times > last
        inside = ~before & ~after
        # The sum of a step's waits is known, and a sample lies in a step: its idle time is divided as the step is.
        step = np.clip(np.searchsorted(rows["t1"], times), 0, len(rows["t1"]) - 1)
        length = np.maximum(rows["t1"] - rows["t0"], 1)[step] / 1e3  # microseconds, as the phases
        waited = np.clip((rows["data_wait"] + rows["loader_start"])[step] / length, 0.0, 1.0)
        found = {
            "before the first step": lasted[before].sum(),
            "while the steps wait for data": (lasted * waited)[inside].sum(),
            "while the steps work": (lasted * (1.0 - waited))[inside].sum(),
            "after the last step": lasted[after].sum(),
        }
        return cls({cause: float(seconds) for cause, seconds in found.items()})
