"""Time that the kernel spends handing memory out and taking it back during the steps, and where. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import signals
from . import Missing
from .host import Host
from .stacks import in_training_code
from .steps import Steps
from .tables import Recording, Site


@dataclass(frozen=True)
class Thrash:
    """Page faults of the training process over its steps after warm-up.

    ``faults``, ``major_faults``: per step; ``system_seconds``: CPU inside the kernel, of the whole loop;
    ``lost_seconds``: wall time of the loop that goes with it; ``swap_in_bytes_per_second`` of the machine, None
    unknown; ``site``: the hottest line of the user's own expressions; ``own_share``: of the running time, in these.
    """

    faults: float
    major_faults: float
    system_seconds: float
    lost_seconds: float
    loop_seconds: float
    swap_in_bytes_per_second: float | None
    site: Site | None
    own_share: float

    @property
    def lost_share(self) -> float:
        """Lost wall time as a share of the loop."""
        return self.lost_seconds / max(self.loop_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, host: Host) -> Thrash:
        if not steps.count:
            raise Missing("No steps after warm-up.")
        process = recording.facts.processes[steps.process] if steps.process < len(recording.facts.processes) else None
        main_pid = recording.run.get("pid")
        prefix = "main_" if process is None or main_pid is None or process.pid == main_pid else ""
        start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
        faults = host.rise(prefix + "minor_faults_total", start, end)
        system = host.rise(prefix + "system_ns_total", start, end)
        cpu = host.rise(prefix + "cpu_ns_total", start, end)
        if faults is None or system is None or cpu is None:
            raise Missing("Page faults and system time are not measured on this system.")
        wall = (end - start) / 1e9
        # Several threads of one process spend kernel time side by side: only its share of the wall time is lost.
        parallel = max(1.0, cpu / 1e9 / max(wall, 1e-9))
        # Where others keep the cores busy, each second on the CPU takes longer than a second: with it, the loss.
        delay = host.rise("run_delay_ns_total", start, end) or 0.0
        stretch = min((cpu + delay) / max(cpu, 1.0), wall * 1e9 / max(cpu, 1.0)) if cpu < wall * 1e9 else 1.0
        swap = host.rise("swap_in_bytes_total", start, end)
        site, share = _hot_line(recording, steps)
        return cls(
            faults=faults / steps.count,
            major_faults=(host.rise("major_faults_total", start, end) or 0.0) / steps.count,
            system_seconds=system / 1e9,
            lost_seconds=min(wall, system / 1e9 / parallel * stretch),
            loop_seconds=wall,
            swap_in_bytes_per_second=None if swap is None else swap / max(wall, 1e-9),
            site=site,
            own_share=share,
        )


def _hot_line(recording: Recording, steps: Steps) -> tuple[Site | None, float]:
    """(the hottest line of the user's own expressions, the share of the loop's running time in all of them).

    What a model's modules, its backward pass and the optimizer allocate is not the user's expression.
    """
    rows = recording.stacks
    mine = (rows["kind"] == signals.STACK_CPU) & (rows["process"] == steps.process)
    mine &= (rows["t0"] >= steps.start_ns[0]) & (rows["t0"] <= steps.end_ns[-1])
    rows = rows[mine]
    seconds = (rows["t1"] - rows["t0"]).astype(float)
    own = ~np.isin(rows["flags"], (signals.BACKWARD, signals.OPTIMIZER))
    weights: dict[Site, float] = {}
    for stack in np.unique(rows["arg"][own]):
        frames = recording.facts.stacks.get((steps.process, int(stack)), ())
        user = next((frame for frame in frames if frame.user), None)
        if user is not None and not in_training_code(frames):
            site = Site(user.file, user.line, user.function)
            weights[site] = weights.get(site, 0.0) + float(seconds[own & (rows["arg"] == stack)].sum())
    if not weights:
        return None, 0.0
    return max(weights, key=lambda site: weights[site]), sum(weights.values()) / max(float(seconds.sum()), 1e-9)
