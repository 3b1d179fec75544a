"""One recorded process from look to look: what it uses, and which phases its time goes to."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from .. import signals
from .live_rings import Rings, identity, place_of, rings_of
from .shares import Cells, since, spent

_RECENT_NS = 10_000_000_000


@dataclass(frozen=True)
class ProcessNow:
    """One recorded process. None: not known. Shares are 0 to 1, by phase name.

    ``phases``: of ``recorded_seconds``. ``recent_phases``: of the last ``recent_seconds``, as ``steps_per_second``;
    None at the first look. ``phase_now``: the open phase, ``place``: the user's line, both as last sampled.
    ``cpu_cores``: since the look before. ``gpus``: ids of the devices that it is on.
    """

    pid: int
    parent_pid: int | None
    role: str
    rank: int | str | None
    worker: int | None
    gpus: list[str]
    cpu_cores: float | None
    memory_bytes: int | None
    threads: int | None
    recorded_seconds: float | None = None
    steps: int | None = None
    steps_per_second: float | None = None
    phases: dict[str, float] | None = None
    recent_phases: dict[str, float] | None = None
    recent_seconds: float | None = None
    phase_now: str | None = None
    place: str = ""


class LiveProcess:
    """The process that writes the side file ``side``. ``look()`` as often as you like."""

    def __init__(self, side: Path) -> None:
        self.pid = int(side.stem)
        self._side = side
        self._process: psutil.Process | None = None
        self._cpu: tuple[int, float] | None = None  # (monotonic ns, CPU seconds) at the last look
        self._history: deque[tuple[int, Cells]] = deque()

    def look(self, gpus: list[str]) -> tuple[ProcessNow | None, list[str]]:
        """(the process now, None if it has ended; a line on each ring that cannot be read)."""
        now = time.monotonic_ns()
        used = self._used(now)
        if used is None:
            return None, []
        rings, problems = rings_of(self._side.parent, self.pid)
        known = identity(self._side)
        worker = known.get("worker")
        process = ProcessNow(
            pid=self.pid,
            parent_pid=known.get("ppid"),
            role=signals.WORKER if worker is not None else str(known.get("role", signals.MAIN)),
            rank=known.get("rank"),
            worker=worker,
            gpus=gpus,
            **used,
            **({} if rings is None else self._spent(rings, now)),
        )
        return process, problems

    def _used(self, now: int) -> dict[str, Any] | None:
        """CPU, memory and threads; None if the process has ended."""
        used: dict[str, Any] = {"cpu_cores": None, "memory_bytes": None, "threads": None}
        try:
            self._process = self._process or psutil.Process(self.pid)
            with self._process.oneshot():
                times = self._process.cpu_times()
                used["memory_bytes"], used["threads"] = self._process.memory_info().rss, self._process.num_threads()
        except psutil.NoSuchProcess:
            return None
        except psutil.Error:  # another user's
            return used
        before, self._cpu = self._cpu, (now, times.user + times.system)
        if before is not None:
            used["cpu_cores"] = max(0.0, self._cpu[1] - before[1]) / max(1e-9, (now - before[0]) / 1e9)
        return used

    def _spent(self, rings: Rings, now: int) -> dict[str, Any]:
        """Phases and steps, so far and recently; a phase that is open counts up to now."""
        ring, phase = rings.main, rings.phase_now
        found: dict[str, Any] = {
            "recorded_seconds": max(1e-9, (now - ring.begun_ns) / 1e9),
            "steps": spent(ring.cells).steps,
            "phases": _shares(ring.cells, ring.begun_ns, now, phase, ring.closed_ns),
            "phase_now": None if phase is None else _name(phase),
            "place": "" if rings.sample is None else place_of(self._side, rings.sample[2]),
        }
        while len(self._history) > 1 and now - self._history[0][0] > _RECENT_NS:
            self._history.popleft()
        if self._history:
            then, before = self._history[0]
            added = since(before, ring.cells)
            found["recent_seconds"] = seconds = max(1e-9, (now - then) / 1e9)
            found["recent_phases"] = _shares(added, then, now, phase, ring.closed_ns)
            steps = spent(added).steps
            found["steps_per_second"] = None if found["steps"] is None else (steps or 0) / seconds
        self._history.append((now, ring.cells))
        return found


def _shares(cells: Cells, begin_ns: int, now: int, phase: int | None, since_ns: int) -> dict[str, float]:
    """Share of the time since ``begin_ns`` by phase name, the largest first. ``phase``: open since ``since_ns``.

    A phase that began before the time did counts in full where it ends: the shares never add up to more than 1.
    """
    seconds = dict(spent(cells).seconds)
    if phase is not None:
        seconds[phase] = seconds.get(phase, 0.0) + max(0, now - max(since_ns, begin_ns)) / 1e9
    whole = max(1e-9, (now - begin_ns) / 1e9, sum(seconds.values()))
    largest = sorted(seconds.items(), key=lambda item: -item[1])
    return {_name(number): value / whole for number, value in largest if value > 0}


def _name(phase: int) -> str:
    return signals.PHASES[phase] if phase < len(signals.PHASES) else f"phase {phase}"
