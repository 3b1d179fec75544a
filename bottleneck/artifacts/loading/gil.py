"""Threads of the training process that compete for the GIL while its main thread waits for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording import facts
from ...recording.model import Recording
from .. import Missing
from ..run.host import Host
from ..run.stacks import Hot, Stacks
from ..training.steps import Steps


@dataclass(frozen=True)
class Gil:
    """GIL waits in the steps after warm-up. ``held_share``: share of the step time in which the main thread was blocked
    while another thread ran Python; ``of_blocked_share``: that time as a share of all its blocked time. ``threads``:
    how many threads wanted to run Python meanwhile.

    ``place``: the user's function in which those threads spend most time, with ``place_share`` of their samples.
    ``main_cpu_seconds``, ``threads_cpu_seconds``: CPU per step of the main thread, and of all other threads of the
    process.
    """

    held_share: float
    of_blocked_share: float
    threads: int
    place: Hot | None
    place_share: float
    main_cpu_seconds: float
    threads_cpu_seconds: float

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, host: Host | None) -> Gil:
        process = steps.process
        looked = recording.facts.of_process(facts.Gil, process)
        if not looked or "stacks" not in recording.facts.attached:
            raise Missing("Waits for the GIL were not recorded.")
        if not steps.count:
            raise Missing("No steps after warm-up.")
        rows = recording.samples[recording.samples["kind"] == signals.GIL_HELD]
        within = np.array([steps.start_ns, steps.end_ns]).T
        frames = {key[1]: value for key, value in recording.facts.stacks.items() if key[0] == process}
        others = Stacks(process, rows[rows["process"] == process], frames)
        held = others.seconds(within=within)
        if held <= 0:
            return cls(0.0, 0.0, 0, None, 0.0, 0.0, 0.0)
        main_cpu, threads_cpu = _cpu(recording, steps, host)
        blocked = Stacks.of(recording, process).blocked_seconds(within)
        hot = others.hot(within=within)
        return cls(
            held_share=min(1.0, held / steps.total_seconds),
            of_blocked_share=min(1.0, held / max(blocked, held)),
            threads=round(float(np.median(others.rows["flags"] >> 8))),
            place=hot[0] if hot else None,
            place_share=hot[0].seconds / held if hot else 0.0,
            main_cpu_seconds=main_cpu,
            threads_cpu_seconds=threads_cpu,
        )


def _cpu(recording: Recording, steps: Steps, host: Host | None) -> tuple[float, float]:
    """CPU seconds per step of the main thread, and of the other threads of the process."""
    start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
    names = ("main_first_thread_cpu_ns_total", "main_cpu_ns_total")
    first, whole = (None if host is None else host.rise(name, start, end) for name in names)
    if first is None or whole is None or not recording.is_root(steps.process):
        raise Missing("The CPU time of the main thread was not measured separately.")
    return first / 1e9 / steps.count, max(0.0, whole - first) / 1e9 / steps.count
