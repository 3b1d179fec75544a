"""The machine's memory during the run: bytes available before the limit, swap-ins, huge-page faults."""

from __future__ import annotations

import os
from typing import Any

from .limits import memory_group

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
#: Of a group's memory.stat, what the kernel cannot simply drop: version 2, and version 1 with what is below.
_HELD = (b"anon", b"shmem", b"slab_unreclaimable"), (b"total_rss", b"total_shmem")


class MachineMemory:
    """Reads /proc/vmstat, /proc/meminfo and, under a limit, the group's memory.stat through open descriptors."""

    def __init__(self, root_pid: int, root: str = "") -> None:
        self.missing: list[str] = []
        self._limit, folder = memory_group(root_pid, root) or (None, "")
        self._vmstat = self._open(f"{root}/proc/vmstat", "swap_in_bytes_total", "huge_faults_total")
        self._meminfo = self._open(f"{root}/proc/meminfo", "memory_available_bytes")
        self._group = self._open(f"{folder}/memory.stat") if folder else None

    def _open(self, path: str, *columns: str) -> int | None:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.missing += columns
            return None

    def add(self, values: dict[str, Any]) -> None:
        """Add the columns to a sample that has ``rss_bytes``."""
        if self._vmstat is not None:
            text = os.pread(self._vmstat, 16384, 0)
            for name, column, unit in (
                (b"\npswpin ", "swap_in_bytes_total", _PAGE),
                (b"\nthp_fault_alloc ", "huge_faults_total", 1),
            ):
                _, found, rest = text.partition(name)
                if found:
                    values[column] = int(rest.split(None, 1)[0]) * unit
        if self._meminfo is not None:
            _, found, rest = os.pread(self._meminfo, 256, 0).partition(b"MemAvailable:")
            if found:
                available = int(rest.split(None, 1)[0]) * 1024
                if self._limit is not None:
                    available = min(available, max(0, self._limit - self._held(int(values["rss_bytes"]))))
                values["memory_available_bytes"] = available
        if self._limit is not None:
            values["memory_limit_bytes"] = self._limit

    def _held(self, rss: int) -> int:
        """Bytes of the limited group without its page cache (``rss`` counts shared pages once per worker)."""
        if self._group is None:
            return rss
        stat = dict(line.split(b" ", 1) for line in os.pread(self._group, 16384, 0).splitlines() if b" " in line)
        for names in _HELD:
            if names[0] in stat:
                return sum(int(stat.get(name, 0)) for name in names)
        return rss

    def close(self) -> None:
        for descriptor in (self._vmstat, self._meminfo, self._group):
            if descriptor is not None:
                os.close(descriptor)
