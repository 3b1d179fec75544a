"""The program's threads against the cores: how many want to run, and how many its workers added. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .. import Missing
from ..training.steps import Steps
from .host import Host
from .machine import Machine

_PER_CORE = 1.5  # runnable threads per core (own)
_DELAY_SHARE = 0.2  # run-queue wait relative to their CPU time (own)
_EXTRA_SHARE = 0.2  # share of workers' CPU outside their first threads; below it, workers have one thread each
_OTHERS_SHARE = 0.5  # share of the cores used by other programs, above which they may cause the delay
_MIN_SECONDS = 2.0  # of steps: the kernel's per-thread counters are read once a second


@dataclass(frozen=True)
class CpuContention:
    """Contention during the steps. ``runnable_threads``: mean number of the program's threads running or in a run queue
    (CPU time plus run-queue wait, over wall time); ``delay_share``: run-queue wait over CPU time; ``others_cores``:
    cores used by other programs.

    Workers are all processes but the first. ``extra_share``: share of their CPU outside their first threads. Per step:
    ``main_cpu_seconds`` of the first process, ``first_cpu_seconds`` of all the workers' first threads.
    """

    cores: float
    runnable_threads: float
    delay_share: float
    others_cores: float
    extra_share: float
    main_cpu_seconds: float
    first_cpu_seconds: float

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
    def compute(cls, host: Host, steps: Steps, machine: Machine) -> CpuContention:
        if not steps.count or steps.total_seconds < _MIN_SECONDS:
            raise Missing("The steps are too short in total to judge run queues.")
        start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
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
            main_cpu_seconds=main / 1e9 / steps.count,
            first_cpu_seconds=workers_first / 1e9 / steps.count,
        )
