"""The samples of every thread of every process, main threads included, in one form. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ... import signals
from ...recording.facts import Thread
from ...recording.model import Frame, Recording, Records
from .. import Missing
from ..training.steps import Steps
from .main_process import main_process

MAIN = 0  # the number of a process's main thread


@dataclass(frozen=True, eq=False)
class SampledThread:
    """One thread. ``number`` is ``MAIN`` or the number from ``by_thread``; the names are the ones shown to readers.

    ``rows`` have RECORD_DTYPE and are of the kinds STACK_CPU and STACK_BLOCKED. ``arg`` is a key of ``frames``, which
    lacks the stacks that were not kept.
    """

    process: int
    number: int
    process_name: str
    name: str
    rows: Records = field(repr=False)
    frames: dict[int, tuple[Frame, ...]] = field(repr=False)

    @property
    def running_seconds(self) -> float:
        return _seconds(self.rows[self.rows["kind"] == signals.STACK_CPU])


@dataclass(frozen=True)
class EveryThread:
    """All sampled threads: the main process's main thread first, then those that ran longest."""

    threads: tuple[SampledThread, ...]

    @classmethod
    def compute(cls, recording: Recording, steps: Steps | None) -> EveryThread:
        """Raises Missing when no thread was sampled."""
        names = {(process, fact.index + 1): fact.name for process, fact in recording.facts.of(Thread)}
        found = [
            SampledThread(
                process,
                number,
                _process_name(recording, process),
                _thread_name(number, names.get((process, number), "")),
                rows,
                _frames(recording, process, rows),
            )
            for process, number, rows in by_thread(recording)
        ]
        if not found:
            why = recording.facts.failed.get("stacks")
            raise Missing("Call stacks were not sampled" + (f" ({why})." if why else "."))
        main = main_process(recording, steps)
        first = [thread for thread in found if (thread.process, thread.number) == (main, MAIN)]
        others = [thread for thread in found if thread not in first]
        return cls((*first, *sorted(others, key=lambda thread: -thread.running_seconds)))


def by_thread(recording: Recording) -> Iterator[tuple[int, int, Records]]:
    """(process, thread, samples) of each thread; 0 is the main thread, any other number is its index plus one."""
    for process in np.unique(recording.stacks["process"]).tolist():
        yield process, MAIN, recording.stacks[recording.stacks["process"] == process]
    beside = recording.threads.copy()
    indexes = beside["arg"] >> 32
    beside["arg"] &= signals.STACK_MASK
    beside["kind"] = np.where(beside["kind"] == signals.THREAD_BLOCKED, signals.STACK_BLOCKED, signals.STACK_CPU)
    keys = beside["process"].astype("i8") << 32 | indexes.astype("i8")
    for key in np.unique(keys).tolist():
        yield key >> 32, (key & 0xFFFFFFFF) + 1, beside[keys == key]


def _frames(recording: Recording, process: int, rows: Records) -> dict[int, tuple[Frame, ...]]:
    kept = recording.facts.stacks
    return {stack: kept[process, stack] for stack in np.unique(rows["arg"]).tolist() if (process, stack) in kept}


def _process_name(recording: Recording, index: int) -> str:
    process = recording.facts.processes[index]
    if process.role == signals.WORKER:
        name = f"worker {process.worker}"
    elif process.rank is not None:
        name = f"rank {process.rank}"
    else:
        name = str(recording.run.get("name") or "process") if recording.is_root(index) else "process"
    if process.pid:
        name += f" (pid {process.pid})"
    return f"{name} on {process.host}" if process.host not in ("", recording.host_name) else name


def _thread_name(number: int, name: str) -> str:
    """The name shown for a thread; ``name`` is the program's own name for it."""
    if number == MAIN:
        return "main thread"
    return name or ("other threads" if number == 1 else f"thread {number - 1}")


def _seconds(rows: Records) -> float:
    return float((rows["t1"] - rows["t0"]).sum()) / 1e9
