"""Looks at all runs in progress and at the GPUs, again and again: what ``bottleneck top`` shows.

Every look is passive: it reads the rings as files, the process table, and NVML. A program that is looked at notices
nothing, and nothing is written to its run folder.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..recording.folder import RunError, read_run
from .live_gpus import GpuNow, LiveGpus
from .live_processes import LiveProcess, ProcessNow
from .live_runs import LiveRuns


@dataclass(frozen=True)
class RunNow:
    """One run in progress. ``seconds``: since it began."""

    folder: str
    name: str
    command: str
    seconds: float
    processes: list[ProcessNow]


@dataclass(frozen=True)
class Look:
    """Everything at one moment. ``cpu_cores``: busy since the look before; ``notes``: what is not shown."""

    time: str  # ISO 8601 with zone
    cores: int
    cpu_cores: float
    memory_used_bytes: int
    memory_total_bytes: int
    runs: list[RunNow]
    gpus: list[GpuNow]
    notes: list[str]


class Watch:
    """``look()`` as often as you like, then ``close()``. ``only``: the run to look at, None: all on this machine."""

    def __init__(self, only: Path | None = None) -> None:
        self._runs = LiveRuns(only)
        self._processes: dict[Path, LiveProcess] = {}
        self._gpus = LiveGpus()
        psutil.cpu_percent()  # its first answer is of no time

    def look(self) -> Look:
        """What runs now. Never raises for what ends meanwhile."""
        found = self._runs.look()
        notes = list(self._runs.problems)
        sides = [side for each in found.values() for side in each]
        self._processes = {side: self._processes.get(side) or LiveProcess(side) for side in sides}
        gpus = self._gpus.look({process.pid for process in self._processes.values()})
        on: dict[int, list[str]] = {}
        for gpu in gpus:
            for user in gpu.users or ():
                on.setdefault(user.pid, []).append(gpu.id)
        runs = [self._run(folder, sides, on, notes) for folder, sides in found.items()]
        if not gpus:
            notes.append(self._gpus.problem)
        memory, cores = psutil.virtual_memory(), psutil.cpu_count() or 1
        return Look(
            time=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            cores=cores,
            cpu_cores=psutil.cpu_percent() / 100 * cores,
            memory_used_bytes=int(memory.total - memory.available),
            memory_total_bytes=int(memory.total),
            runs=[run for run in runs if run is not None],
            gpus=gpus,
            notes=list(dict.fromkeys(notes)),
        )

    def _run(self, folder: Path, sides: list[Path], on: dict[int, list[str]], notes: list[str]) -> RunNow | None:
        processes = []
        for side in sides:
            watched = self._processes[side]
            now, problems = watched.look(on.get(watched.pid, []))
            notes += problems
            processes += [] if now is None else [now]
        try:
            run = read_run(folder)
        except RunError:
            return None  # deleted meanwhile
        seconds = (time.monotonic_ns() - run["started_ns"]) / 1e9
        return RunNow(str(folder), str(run.get("name", "")), str(run.get("command", "")), seconds, processes)

    def close(self) -> None:
        """Close NVML."""
        self._gpus.close()
