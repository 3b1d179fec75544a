"""Private and shared memory of DataLoader workers, from ``smaps_rollup``. Read rarely, since a read is expensive.

A read walks the page tables while the process cannot change its mappings: 0.2 ms for a small process, several ms for
gigabytes. We read one worker of each loader in turn, and pause for fifty times the duration of the last read.
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
    """Call ``sample`` whenever the host is sampled; its columns hold numbers only if a read was due.

    ``worker_private_bytes``: written pages that only the worker maps. ``worker_shared_bytes``: written pages that other
    processes map too; a forked worker shares all of its parent's pages until one of the two writes.
    """

    def __init__(self) -> None:
        self._next = 0.0
        self._seen = 0
        self._workers: dict[int, tuple[int, int]] = {}  # pid -> (process that loads, loader)
        self._followed: list[int] = []  # one live worker per loader; the last one read is at the end

    def sample(self, notes: Sequence[tuple[int, str, dict[str, Any]]], pids: Mapping[int, int]) -> dict[str, float]:
        """One row of COLUMNS. ``notes``: all notes written so far; ``pids``: pid -> process index in the notes.

        nan if no read was due, no worker is alive, or the kernel does not report it.
        """
        row = dict.fromkeys(COLUMNS, nan)
        started = time.monotonic()
        # Read a worker as soon as it exists: it copies most pages at the beginning.
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
        """Whether a loader has started workers since the last call."""
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
        """Pids to try: first workers of loaders that we do not follow yet, then the least recently read ones."""
        self._followed = [pid for pid in self._followed if pid in self._workers]
        known = {self._workers[pid] for pid in self._followed}
        fresh = [pid for pid, loader in self._workers.items() if loader not in known]
        return fresh + self._followed


def _read(pid: int) -> tuple[int, int] | None:
    """(private, shared) bytes of a process's written pages; None if it has ended or we may not read it."""
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
