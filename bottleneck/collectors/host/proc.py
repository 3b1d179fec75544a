"""Samples the recorded process tree and the machine: CPU, memory, faults, I/O, idle cores.

On Linux it reads ``/proc`` through descriptors that stay open. Elsewhere it uses psutil, and ``missing`` lists the
columns it cannot provide."""

from __future__ import annotations

import os
import sys
import time
from math import nan
from typing import Protocol

from .limits import Throttling, affinity, cpu_quota, machine_facts
from .memory import MachineMemory
from .tree import Tree

__all__ = ["HostSampler", "machine_facts"]

Sample = dict[str, float | int]
_REFRESH_NS = 1_000_000_000
#: Of these the root process's own value is there too, as main_...
_OF_MAIN = ("cpu_ns_total", "first_thread_cpu_ns_total", "system_ns_total", "minor_faults_total", "run_delay_ns_total")


class _Cores:
    """Idle, busy and I/O-wait time of the cores we may use, between two reads."""

    def __init__(self, mask: list[int]) -> None:
        self._names = {b"cpu%d" % core for core in mask}
        self._file = os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC)
        self._size = 65536
        self._before = self._read()
        self.count = max(1, len(self._before))

    def _read(self) -> dict[bytes, tuple[int, int, int]]:
        """name -> (idle, waiting for disk, total) in ticks; guest time is already included in user time."""
        found = {}
        for line in os.pread(self._file, self._size, 0).split(b"intr", 1)[0].splitlines():
            words = line.split()
            if words and words[0] in self._names:
                ticks = [int(word) for word in words[1:9]]
                found[words[0]] = (ticks[3], ticks[4], sum(ticks))
        return found

    def look(self) -> tuple[float, float] | None:
        """(idle cores, cores waiting for the disk) since the last call; None if less than a tick has passed."""
        after = self._read()
        idle = waiting = 0.0
        for name, (idle_after, waiting_after, all_after) in after.items():
            idle_before, waiting_before, all_before = self._before.get(name, (0, 0, 0))
            passed = all_after - all_before
            if passed <= 0:
                return None
            idle += max(0, idle_after - idle_before) / passed
            waiting += max(0, waiting_after - waiting_before) / passed
        self._before = after
        return idle, waiting

    def close(self) -> None:
        os.close(self._file)


class _Source(Protocol):
    missing: list[str]

    def sample(self) -> Sample: ...

    def close(self) -> None: ...


class _Linux:
    """The sample source that reads /proc through open descriptors."""

    def __init__(self, root_pid: int) -> None:
        self.missing: list[str] = []
        self._root = root_pid
        self._tree = Tree(root_pid)
        self._cores = _Cores(affinity(root_pid if root_pid in self._tree.processes else 0))
        self._quota = cpu_quota(root_pid)
        self._throttling = Throttling(root_pid)
        self._memory = MachineMemory(root_pid)
        self.missing += self._memory.missing
        if self._throttling.nanoseconds() is None:
            self.missing.append("throttled_ns_total")
        for name, columns in (("io", "read_bytes_total"), ("schedstat", "run_delay_ns_total")):
            if name in self._tree.unreadable:
                self.missing.append(columns)
        self._refreshed_ns = 0
        self._main = dict.fromkeys(_OF_MAIN, 0)
        self._core_ns = time.monotonic_ns()
        self._core_cpu_ns = 0
        self._core_values: Sample = dict.fromkeys(
            ("busy_cores", "idle_cores", "iowait_cores", "other_cores"), nan
        )  # until a first tick has passed

    def sample(self) -> Sample:
        now = time.monotonic_ns()
        tree = self._tree
        if now - self._refreshed_ns >= _REFRESH_NS:
            self._refreshed_ns = now
            tree.refresh()
        tree.look()
        values: Sample = {"time_ns": now, "rss_bytes": 0, "threads": 0, "processes": len(tree.processes)}
        values.update(tree.gone)
        for process in tree.processes.values():
            for name, value in process.sums.items():
                values[name] += value
            values["rss_bytes"] += process.rss_bytes
            values["threads"] += process.threads
        main = tree.processes.get(self._root)
        if main is not None:
            self._main = {name: main.sums[name] for name in _OF_MAIN}
        values["main_rss_bytes"] = main.rss_bytes if main else 0
        values.update({f"main_{name}": value for name, value in self._main.items()})
        throttled = self._throttling.nanoseconds()
        if throttled is not None:
            values["throttled_ns_total"] = throttled
        self._add_cores(values, now)
        self._memory.add(values)
        return values

    def _add_cores(self, values: Sample, now: int) -> None:
        cores = self._cores.look()
        if cores is not None:
            idle, waiting = cores
            passed = max(1, now - self._core_ns)
            ours = max(0, int(values["cpu_ns_total"]) - self._core_cpu_ns) / passed
            self._core_ns, self._core_cpu_ns = now, int(values["cpu_ns_total"])
            busy = self._cores.count - idle - waiting
            if self._quota is not None:  # a core beyond our quota does not count as idle
                idle = min(idle, max(0.0, self._quota - ours))
            self._core_values = {
                "busy_cores": ours,
                "idle_cores": idle,
                "iowait_cores": waiting,
                "other_cores": max(0.0, busy - ours),
            }
        values.update(self._core_values)

    def close(self) -> None:
        self._tree.close()
        self._cores.close()
        self._throttling.close()
        self._memory.close()


class HostSampler:
    """Samples one process tree and the machine; call ``sample()`` about every 100 ms, then ``close()``.

    ``missing``: columns that this system cannot provide. Not thread-safe: sample from one thread only.
    """

    def __init__(self, root_pid: int) -> None:
        source: _Source
        if sys.platform == "linux" and os.access("/proc/stat", os.R_OK):
            source = _Linux(root_pid)
        else:
            from .elsewhere import PsutilSource

            source = PsutilSource(root_pid)
        self._source = source

    @property
    def missing(self) -> list[str]:
        """Columns missing from the samples because the system does not report them."""
        return list(self._source.missing)

    def sample(self) -> Sample:
        """One row. Values are sums over the tree except for those of the machine. Never raises for ended processes.

        ``time_ns``: monotonic; ``rss_bytes`` (pages shared by forked workers count once per worker); ``main_*``: the
        root process; ``cpu_ns_total``, including ``first_thread_cpu_ns_total`` in each process's first thread and
        ``system_ns_total`` in the kernel; ``read_bytes_total`` and ``write_bytes_total``: through
        system calls; ``disk_*``: those that reached the storage; ``minor_faults_total``, ``major_faults_total``;
        ``voluntary_switches_total``, ``involuntary_switches_total``, ``run_delay_ns_total`` (ready but not running),
        refreshed once a second; ``threads``, ``processes``. Machine, within our affinity mask, since the last
        sample: ``busy_cores`` of the tree, ``other_cores`` of other programs, ``idle_cores``, ``iowait_cores``;
        ``swap_in_bytes_total``, ``huge_faults_total`` (2 MiB each), ``memory_available_bytes`` (until the machine or
        its cgroup is full; page cache counts as free), ``memory_limit_bytes`` (if a cgroup sets one);
        ``throttled_ns_total`` (time throttled by the CPU quota, summed over cores; 0 without a quota).
        """
        return self._source.sample()

    def close(self) -> None:
        """Close the descriptors; the sampler cannot be used afterwards."""
        self._source.close()
