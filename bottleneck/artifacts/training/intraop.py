"""CPU threads that a torch operation may use, and how large the operations of a step are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import Threads, ThreadsLine
from ...recording.model import Recording, Site
from .. import Absent, Missing
from ..run.host import Host
from ..run.machine import Machine
from .loop_samples import stacks_in_steps
from .steps import Steps

_PER_OPERATION = 2  # backward operations per operation in the graph: one for the input, one for the weights
_MIN_HOST_SAMPLES = 10


@dataclass(frozen=True)
class IntraOp:
    """CPU threads of one rank. ``threads``: threads per operation, as torch last reported; ``cores``: that the rank may
    use; ``obtainable_cores``: that more threads would get; ``runnable_threads``: during the steps, the program's own
    threads running or in a run queue.

    ``operations``: in the graph of one backward pass, 0 if unknown; ``operation_seconds``: mean main-thread CPU per
    operation of that pass. ``computing_seconds``: main-thread CPU per step for the graph, forward and backward.
    ``site``: the line that sets the number of threads.
    """

    threads: int
    cores: float
    obtainable_cores: float
    runnable_threads: float
    operations: int
    operation_seconds: float
    computing_seconds: float
    site: Site | None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, host: Host, machine: Machine) -> IntraOp:
        if steps.accelerated:
            raise Absent("An accelerator does the work, so CPU threads per operation matter little.")
        notes = recording.facts.of_process(Threads, steps.process)
        if not notes or not steps.training:
            raise Missing("torch's thread count was not recorded: no training, or too short.")
        if "stacks" not in recording.facts.attached or not steps.count:
            raise Missing("Call stacks were not sampled.")
        start, end = int(steps.start_ns[0]), int(steps.end_ns[-1])
        inside = (host.time_ns >= start) & (host.time_ns <= end)
        idle = host.obtainable_cores(start, end)
        used, ready = (host.rise(name, start, end) for name in ("cpu_ns_total", "run_delay_ns_total"))
        if idle is None or used is None or inside.sum() < _MIN_HOST_SAMPLES:
            raise Missing("Idle cores were not sampled during the steps.")
        rows = stacks_in_steps(recording, steps)
        rows = rows[rows["kind"] == signals.STACK_CPU]
        running = np.bincount(rows["flags"] & 0xFF, (rows["t1"] - rows["t0"]) / 1e9, minlength=256) / steps.count
        forward, backward = float(running[signals.FORWARD]), float(running[signals.BACKWARD])
        operations = max(fact.operations for fact in notes)
        ranks = max(1, len(steps.ranks))
        line = next((fact for _, fact in recording.facts.of(ThreadsLine)), None)
        return cls(
            threads=notes[-1].count,
            cores=machine.cores / ranks,
            obtainable_cores=idle / ranks,
            runnable_threads=(used + (ready or 0.0)) / max(end - start, 1) / ranks,
            operations=operations,
            operation_seconds=backward / (operations * _PER_OPERATION) if operations else 0.0,
            # Forward work outside the graph, such as a frozen part, has unknown size.
            computing_seconds=backward + min(forward, backward),
            site=None if line is None else line.place,
        )
