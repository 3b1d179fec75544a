"""Memory that a DataLoader's worker has of its own, and what it still shares: ``smaps_rollup``, read rarely.

A read walks the page tables of the process, which can change none of its mappings meanwhile: 0.2 ms for a small one,
several for gigabytes. One worker of each loader is looked at, in turn, and the next look waits fifty times as long as
the last one took.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

_EVERY_SECONDS = 1.0
_COST_SHARE = 0.02
COLUMNS = ("worker_pid", "worker_private_bytes", "worker_shared_bytes")


class SharedPages:
    """Call ``sample`` whenever the host is sampled; its columns hold numbers only where a look was due.

    ``worker_private_bytes``: pages that it alone maps and that were written; ``worker_shared_bytes``: written pages
    that others map too, as a forked worker does with all of its parent's until one of them writes.
    """

    def __init__(self) -> None:
        self._next = 0.0
        self._seen = 0
        self._workers: dict[int, tuple[int, int]] = {}  # pid -> (process that loads, loader)
        self._followed: list[int] = []  # one living worker of each loader, the one looked at last at the end

    def sample(self, notes: Sequence[tuple[int, str, dict[str, Any]]], pids: Mapping[int, int]) -> dict[str, float]:
        """One row of COLUMNS. ``notes``: all that the processes have written so far; ``pids``: pid -> its index there.

        nan where nothing was due, no worker is alive, or the kernel does not say.
        """
        row = dict.fromkeys(COLUMNS, nan)
        started = time.monotonic()
        # A worker is looked at as soon as it is there: it copies most at the beginning.
        if not self._learn(notes, pids) and started < self._next:
            return row
        self._next = started + _EVERY_SECONDS
        for pid in self._due():
            found = _read(pid)
            if found is None:
                del self._workers[pid]
                continue
            self._followed = [other for other in self._followed if other != pid] + [pid]
            ended = time.monotonic()
            self._next = ended + max(_EVERY_SECONDS, (ended - started) / _COST_SHARE)
            return dict(zip(COLUMNS, (pid, *found), strict=True))
        return row

    def _learn(self, notes: Sequence[tuple[int, str, dict[str, Any]]], pids: Mapping[int, int]) -> bool:
        """Whether a loader has begun to have workers since the last call."""
        new, self._seen = notes[self._seen :], len(notes)
        workers = {index: fields["loader"] for index, kind, fields in new if kind == "worker"}
        if not workers:
            return False
        parents = {index: fields["ppid"] for index, kind, fields in notes if kind == "hello"}
        known = set(self._workers.values())
        found = {pid: (parents.get(index, 0), workers[index]) for pid, index in pids.items() if index in workers}
        self._workers.update(found)
        return not known.issuperset(found.values())

    def _due(self) -> list[int]:
        """Pids to try: those followed, the longest ago first, before them the loaders of which none is followed yet."""
        self._followed = [pid for pid in self._followed if pid in self._workers]
        known = {self._workers[pid] for pid in self._followed}
        fresh = [pid for pid, loader in self._workers.items() if loader not in known]
        return fresh + self._followed


def _read(pid: int) -> tuple[int, int] | None:
    """(private, shared) bytes of a process's written pages; None when it is gone or may not be read."""
    try:
        descriptor = os.open(f"/proc/{pid}/smaps_rollup", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        lines = os.read(descriptor, 4096).splitlines()[1:]
    except OSError:
        return None
    finally:
        os.close(descriptor)
    sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(b":") for line in lines)}
    private, shared = sizes.get(b"Private_Dirty"), sizes.get(b"Shared_Dirty")
    return None if private is None or shared is None else (private, shared)
