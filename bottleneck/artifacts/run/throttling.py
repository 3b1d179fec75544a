"""What a CPU quota costs: the time that the program's run queues were throttled, and the cores it wanted. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...recording.model import Recording
from .. import Missing
from ..training.steps import Steps
from .host import Host
from .machine import Machine

_WINDOW_NS = 1_000_000_000  # ten periods of the usual quota
_MIN_WINDOWS = 3


@dataclass(frozen=True)
class Throttling:
    """``lost_seconds``: time of the run lost to the quota; ``step_share``: share of the step time, None without steps.

    ``wanted_cores``: cores in use while not throttled, over the seconds with any throttling; 0 if there was none.
    ``quota_cores``: cores it may use on average.
    """

    lost_seconds: float
    run_seconds: float
    step_share: float | None
    wanted_cores: float
    quota_cores: float

    @classmethod
    def compute(cls, recording: Recording, host: Host, machine: Machine, steps: Steps | None) -> Throttling:
        times = host.time_ns
        edges = np.arange(int(times[0]), int(times[-1]) + 1, _WINDOW_NS)
        if len(edges) <= _MIN_WINDOWS:
            raise Missing("The run is too short to judge the CPU quota.")
        stopped, used = (host.rises(name, edges) for name in ("throttled_ns_total", "cpu_ns_total"))
        if stopped is None or used is None:
            raise Missing("CPU quota throttling was not recorded.")
        # A program that wants k cores and is throttled for a share s of the time uses k(1 - s) cores and adds ks to the
        # throttled clock, which counts per core.
        wanted = (stopped + used) / _WINDOW_NS
        lost = stopped / _WINDOW_NS / np.maximum(wanted, 1.0)
        hit = stopped > 0
        return cls(
            float(lost.sum()),
            recording.wall_seconds,
            _share_in_steps(lost, edges, steps),
            float(wanted[hit].mean()) if hit.any() else 0.0,
            machine.cores,
        )


def _share_in_steps(lost: npt.NDArray[np.float64], edges: npt.NDArray[np.int64], steps: Steps | None) -> float | None:
    if steps is None or not steps.count:
        return None
    inside = (edges[1:] > steps.start_ns[0]) & (edges[:-1] < steps.end_ns[-1])
    return float(lost[inside].mean()) if inside.any() else None
