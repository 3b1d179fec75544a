"""The program's threads against the cores: how many want to run, and how many its workers added. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import Absent, Missing
from ..training.steps import Steps
from .host import Host
from .machine import Machine

_PER_CORE = 1.5  # runnable threads per core (own)
_DELAY_SHARE = 0.2  # run-queue wait relative to their CPU time (own)
_EXTRA_SHARE = 0.2  # share of workers' CPU outside their first threads; below it, workers have one thread each
_OTHERS_SHARE = 0.5  # share of the cores used by other programs, above which they may cause the delay
_MIN_SECONDS = 2.0  # of steps or of workers: the kernel's per-thread counters are read once a second
_WORKERS_SHARE = 0.2  # of the program's CPU time: if workers use less, they crowd nobody
_EDGE = 0.02  # of the workers' CPU time before they count as begun, and after they count as done


@dataclass(frozen=True)
class CpuContention:
    """Contention during the steps or, in a program without steps, while its worker processes compute.

    ``runnable_threads``: mean number of the program's threads running or in a run queue (CPU time plus run-queue wait,
    over wall time); ``delay_share``: run-queue wait over CPU time; ``others_cores``: cores used by other programs.
    Workers are all processes but the first. ``extra_share``: share of their CPU outside their first threads.
    ``seconds``, ``main_cpu_seconds`` of the first process, ``first_cpu_seconds`` of all the workers' first threads: of
    a step, or of all that time.
    """

    cores: float
    runnable_threads: float
    delay_share: float
    others_cores: float
    extra_share: float
    main_cpu_seconds: float
    first_cpu_seconds: float
    seconds: float = 0.0

    @property
    def threads_per_core(self) -> float:
        """Threads that want to run, per core."""
        return self.runnable_threads / max(self.cores, 1e-9)

    @property
    def oversubscribed(self) -> bool:
        """Whether extra threads in the workers crowd the cores."""
        crowded = self.threads_per_core >= _PER_CORE and self.delay_share >= _DELAY_SHARE
        return crowded and self.extra_share >= _EXTRA_SHARE and not self.neighbours

    @property
    def neighbours(self) -> bool:
        """Whether other programs keep the cores busy."""
        return self.others_cores > _OTHERS_SHARE * self.cores

    @classmethod
    def compute(cls, host: Host, steps: Steps | None, machine: Machine) -> CpuContention:
        start, end, count = _while_workers_compute(host) if steps is None else _steps(steps)
        if end - start < _MIN_SECONDS * 1e9:
            raise Missing("The steps, or the worker processes, are too short in total to judge run queues.")
        others = host.mean("other_cores", start, end)
        names = ("cpu_ns_total", "main_cpu_ns_total", "first_thread_cpu_ns_total", "main_first_thread_cpu_ns_total")
        cpu, main, first, main_first = (host.rise(name, start, end) for name in names)
        delay = host.rise("run_delay_ns_total", start, end)
        if cpu is None or main is None or first is None or main_first is None or delay is None or others is None:
            raise Missing("CPU time of main threads and run-queue waits were not measured.")
        workers, workers_first = max(0.0, cpu - main), max(0.0, first - main_first)
        return cls(
            cores=machine.cores,
            runnable_threads=(cpu + delay) / (end - start),
            delay_share=delay / max(cpu, 1.0),
            others_cores=others,
            extra_share=max(0.0, 1.0 - workers_first / workers) if workers > 0 else 0.0,
            main_cpu_seconds=main / 1e9 / count,
            first_cpu_seconds=workers_first / 1e9 / count,
            seconds=(end - start) / 1e9 / count,
        )


def _steps(steps: Steps) -> tuple[int, int, int]:
    """(start, end, number) of the steps; no time at all if they are too short."""
    if not steps.count or steps.total_seconds < _MIN_SECONDS:
        return 0, 0, 1
    return int(steps.start_ns[0]), int(steps.end_ns[-1]), steps.count


def _while_workers_compute(host: Host) -> tuple[int, int, int]:
    """(start, end, 1) of the time in which processes beside the first one use CPU. Raises Absent if they hardly do."""
    cpu, main = (host.column(name) for name in ("cpu_ns_total", "main_cpu_ns_total"))
    if cpu is None or main is None:
        raise Missing("The CPU time of the processes was not measured.")
    used = np.maximum.accumulate(np.nan_to_num(cpu - main))
    if used[-1] < _WORKERS_SHARE * np.nanmax(cpu):
        raise Absent("No other process of the program computes.")
    first, last = np.searchsorted(used, [_EDGE * used[-1], (1.0 - _EDGE) * used[-1]])
    return int(host.time_ns[max(0, first - 1)]), int(host.time_ns[last]), 1
