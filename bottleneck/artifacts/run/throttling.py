"""What a CPU quota takes: the time that the program's run queues were stopped, against the cores it wanted. Pure."""

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
    """``lost_seconds``: of the run, stopped by the quota; ``step_share``: of the steps, None where there are none.

    ``wanted_cores``: cores in use while the quota did not stop it, in the seconds in which it did so at all, 0 where
    it never did; ``quota_cores``: cores it may use on average.
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
        # Who wants k cores, is stopped for a share s of the time and runs in the rest uses k(1 - s) and shows ks on the
        # clock of the stopped queues, which counts each core.
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
