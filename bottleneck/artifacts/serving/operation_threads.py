"""The threads that operations use in the processes that answer requests, against the cores. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import Threads, ThreadsLine
from ...recording.model import Recording, Site
from .. import Missing
from ..run.host import Host
from ..run.machine import Machine
from .processes import ServerProcesses

_MIN_SECONDS = 2.0  # of requests: the kernel's per-thread counters are read once a second


@dataclass(frozen=True)
class OperationThreads:
    """While requests were served. ``threads``: that torch may use for an operation, the most of all processes; None if
    no model of torch was called. ``callers``: operations at once: calls of the model, else requests in the handlers.

    ``runnable_threads``: mean number of threads, of the whole program, running or in a run queue; ``delay_share``:
    run-queue wait over CPU time; ``others_cores``: cores used by other programs. ``native_share``: of the CPU time of
    the processes that answer, what threads without Python used. ``site``: the line that sets the number of threads.
    """

    cores: float
    processes: int
    threads: int | None
    callers: float
    runnable_threads: float
    delay_share: float
    others_cores: float
    native_share: float
    site: Site | None

    @property
    def threads_per_core(self) -> float:
        """Threads that want to run, per core."""
        return self.runnable_threads / max(self.cores, 1e-9)

    @property
    def fitting(self) -> int:
        """Threads for each operation that give every caller its share of the cores."""
        return max(1, int(self.cores / max(self.processes, round(self.callers), 1)))

    @classmethod
    def compute(cls, recording: Recording, served: ServerProcesses, host: Host, machine: Machine) -> OperationThreads:
        begin, end = served.begin_ns, served.end_ns
        if end - begin < _MIN_SECONDS * 1e9:
            raise Missing("Requests were served for too short a time to judge run queues.")
        names = ("cpu_ns_total", "first_thread_cpu_ns_total", "run_delay_ns_total")
        cpu, first, delay = (host.rise(name, begin, end) for name in names)
        others = host.mean("other_cores", begin, end)
        if cpu is None or first is None or delay is None or others is None:
            raise Missing("CPU time of first threads and run-queue waits were not measured.")
        beside = recording.threads
        beside = beside[(beside["kind"] == signals.THREAD_CPU) & (beside["t1"] > begin) & (beside["t0"] < end)]
        # Clients of the same program count here too, but they have no threads without Python.
        native = max(0.0, cpu - first - float((beside["t1"] - beside["t0"]).sum()))
        python = served.cores * (end - begin)
        told = [fact.count for process, fact in recording.facts.of(Threads) if process in served.processes]
        line = next((fact for _, fact in recording.facts.of(ThreadsLine)), None)
        return cls(
            cores=machine.cores,
            processes=served.count,
            threads=max(told, default=None),
            callers=_calls_at_once(recording, served) or served.at_once,
            runnable_threads=(cpu + delay) / (end - begin),
            delay_share=delay / max(cpu, 1.0),
            others_cores=others,
            native_share=native / max(native + python, 1.0),
            site=None if line is None else line.place,
        )


def _calls_at_once(recording: Recording, served: ServerProcesses) -> float:
    """Mean number of calls of models that run at the same time; 0 if none was recorded."""
    calls = recording.requests[recording.requests["kind"] == signals.MODEL_CALL]
    calls = calls[np.isin(calls["process"], list(served.processes))]
    spent = np.minimum(calls["t1"], served.end_ns) - np.maximum(calls["t0"], served.begin_ns)
    return float(np.maximum(spent, 0).sum()) / max(served.end_ns - served.begin_ns, 1)
