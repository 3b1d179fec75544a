"""Host samples through psutil where there is no /proc (macOS): fewer columns, with the missing ones listed."""

from __future__ import annotations

import time
from typing import Any

_REFRESH_NS = 1_000_000_000
_MISSING = (
    "first_thread_cpu_ns_total",
    "minor_faults_total",
    "major_faults_total",
    "read_bytes_total",
    "write_bytes_total",
    "disk_read_bytes_total",
    "disk_write_bytes_total",
    "voluntary_switches_total",
    "involuntary_switches_total",
    "run_delay_ns_total",
    "busy_cores",
    "other_cores",
    "iowait_cores",
    "swap_in_bytes_total",
    "throttled_ns_total",
)


class PsutilSource:
    """The sample source without /proc: fewer columns, and slower."""

    def __init__(self, root_pid: int) -> None:
        import psutil

        self._psutil: Any = psutil
        self._root = psutil.Process(root_pid)
        psutil.cpu_times_percent(percpu=True)
        self.missing = list(_MISSING)
        self._tree: list[Any] = [self._root]
        self._refreshed_ns = 0

    def sample(self) -> dict[str, float | int]:
        psutil, now = self._psutil, time.monotonic_ns()
        if now - self._refreshed_ns >= _REFRESH_NS:
            self._refreshed_ns = now
            try:
                self._tree = [self._root, *self._root.children(recursive=True)]
            except psutil.Error:
                pass
        values: dict[str, float | int] = {
            "time_ns": now,
            "rss_bytes": 0,
            "threads": 0,
            "cpu_ns_total": 0,
            "system_ns_total": 0,
        }
        values["main_rss_bytes"] = 0
        for process in self._tree:
            try:
                with process.oneshot():
                    rss, cpu = process.memory_info().rss, process.cpu_times()
                    values["threads"] += process.num_threads()
            except psutil.Error:
                continue
            values["rss_bytes"] += rss
            values["cpu_ns_total"] += int((cpu.user + cpu.system) * 1e9)
            values["system_ns_total"] += int(cpu.system * 1e9)
            if process is self._root:
                values["main_rss_bytes"] = rss
        idle = [core.idle / 100 for core in psutil.cpu_times_percent(percpu=True)]
        values["idle_cores"] = float(sum(idle))
        values["memory_available_bytes"] = int(psutil.virtual_memory().available)
        return values

    def close(self) -> None:
        self._tree = []
