"""Where threads other than the main one spent their time: running and blocked seconds, by call stack. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.facts import Thread
from ...recording.model import Frame, Recording, Records
from .. import Missing
from ..training.steps import Steps
from .main_process import main_process


@dataclass(frozen=True)
class ThreadStack:
    """Time that a thread spent in one stack (innermost frame first, empty if it was not kept).

    ``blocked_seconds``: time off the CPU, including waits for a core or for the GIL.
    """

    frames: tuple[Frame, ...]
    cpu_seconds: float
    blocked_seconds: float
    samples: int

    @property
    def seconds(self) -> float:
        return self.cpu_seconds + self.blocked_seconds


@dataclass(frozen=True)
class ThreadTime:
    """A thread and its stacks, longest first. ``index`` 0 stands for all threads beyond the limit."""

    index: int
    name: str
    native_id: int
    stacks: tuple[ThreadStack, ...]

    @property
    def cpu_seconds(self) -> float:
        return sum(stack.cpu_seconds for stack in self.stacks)

    @property
    def blocked_seconds(self) -> float:
        return sum(stack.blocked_seconds for stack in self.stacks)

    @property
    def samples(self) -> int:
        return sum(stack.samples for stack in self.stacks)


@dataclass(frozen=True)
class Threads:
    """The threads of one process other than its main thread, sorted by running time, longest first."""

    process: int
    threads: tuple[ThreadTime, ...]

    @classmethod
    def compute(cls, recording: Recording, steps: Steps | None) -> Threads:
        """The threads of the main process. Raises Missing when none were sampled."""
        return cls.of(recording, main_process(recording, steps))

    @classmethod
    def of(cls, recording: Recording, process: int) -> Threads:
        """The threads of one process, an index into ``facts.processes``. Raises Missing when none were sampled."""
        rows = recording.threads[recording.threads["process"] == process]
        if not len(rows):
            why = recording.facts.failed.get("threads") or recording.facts.failed.get("stacks")
            raise Missing("No thread beside the main one was sampled" + (f" ({why})." if why else "."))
        facts = {fact.index: fact for fact in recording.facts.of_process(Thread, process)}
        found = []
        for index, stacks in _stacks(recording, process, rows).items():
            fact = facts.get(index, Thread(max(1, index)))
            ordered = tuple(sorted(stacks, key=lambda stack: -stack.seconds))
            found.append(ThreadTime(index, fact.name, fact.native_id, ordered))
        return cls(process, tuple(sorted(found, key=lambda thread: (-thread.cpu_seconds, thread.index))))


def _stacks(recording: Recording, process: int, rows: Records) -> dict[int, list[ThreadStack]]:
    """The stacks of each thread, by its index."""
    places, inverse = np.unique(rows["arg"], return_inverse=True)
    seconds = (rows["t1"] - rows["t0"]) / 1e9
    ran = rows["kind"] == signals.THREAD_CPU
    cpu, blocked, samples = (
        np.bincount(inverse, weights=weights, minlength=len(places)).tolist()
        for weights in (seconds * ran, seconds * ~ran, rows["flags"] >> 8)
    )
    found: dict[int, list[ThreadStack]] = {}
    for at, place in enumerate(places.tolist()):
        frames = recording.facts.stacks.get((process, place & signals.STACK_MASK), ())
        found.setdefault(place >> 32, []).append(ThreadStack(frames, cpu[at], blocked[at], int(samples[at])))
    return found
