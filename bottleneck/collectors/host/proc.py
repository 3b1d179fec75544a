"""Samples the recorded process tree and the machine beside it: CPU, memory, faults, I/O, idle cores.

Linux: ``/proc`` through descriptors that stay open (a read costs a few microseconds, and a number of a dead process
that was given to a new one is never mistaken for it). Elsewhere: psutil, and ``missing`` lists what it cannot say.
"""

from __future__ import annotations

import os
import sys
import time
from math import nan
from typing import Protocol

from .limits import Throttling, affinity, cpu_quota, machine_facts
from .memory import MachineMemory

__all__ = ["HostSampler", "machine_facts"]

Sample = dict[str, float | int]
_REFRESH_NS = 1_000_000_000
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICK_NS = 1_000_000_000 // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
#: Columns that a process adds up to; what a dead process had last stays in the sums, so that they never fall.
_SUMS = (
    "cpu_ns_total",
    "first_thread_cpu_ns_total",
    "system_ns_total",
    "minor_faults_total",
    "major_faults_total",
    "read_bytes_total",
    "write_bytes_total",
    "disk_read_bytes_total",
    "disk_write_bytes_total",
    "voluntary_switches_total",
    "involuntary_switches_total",
    "run_delay_ns_total",
)
_OF_THREADS = ("run_delay_ns_total", "voluntary_switches_total", "involuntary_switches_total")
#: Of these the root process's own value is there too, as main_...
_OF_MAIN = ("cpu_ns_total", "first_thread_cpu_ns_total", "system_ns_total", "minor_faults_total", "run_delay_ns_total")


class _Process:
    """One process of the tree and its open descriptors. Any read raises OSError once it is gone."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.sums = dict.fromkeys(_SUMS, 0)
        self.rss_bytes = 0
        self.threads = 0
        self._files: dict[str, int] = {}
        self._threads: dict[str, tuple[int, int, int]] = {}
        try:
            for name in ("stat", "io", "schedstat"):
                try:
                    self._files[name] = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
                except PermissionError:  # another user's process, as after setuid: stat is readable, io is not
                    pass
            if "stat" not in self._files:
                raise ProcessLookupError(pid)
        except OSError:
            self.close()
            raise
        self.unreadable = {"io", "schedstat"} - self._files.keys()

    def close(self) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()

    def look(self) -> None:
        """Read what changes with every sample."""
        # The name in parentheses may hold spaces and parentheses: fields count from the last one.
        words = os.pread(self._files["stat"], 2048, 0).rpartition(b") ")[2].split()
        if words[0] in (b"Z", b"X"):
            raise ProcessLookupError(self.pid)
        sums = self.sums
        sums["minor_faults_total"] = int(words[7])
        sums["major_faults_total"] = int(words[9])
        sums["system_ns_total"] = int(words[12]) * _TICK_NS
        # Ticks are 10 ms; the process's own CPU clock has nanoseconds.
        ticks = (int(words[11]) + int(words[12])) * _TICK_NS
        try:
            sums["cpu_ns_total"] = time.clock_gettime_ns((~self.pid << 3) | 2)
        except OSError:
            sums["cpu_ns_total"] = max(ticks, sums["cpu_ns_total"])
        if "schedstat" in self._files:  # of the first thread alone
            sums["first_thread_cpu_ns_total"] = int(os.pread(self._files["schedstat"], 64, 0).split()[0])
        self.threads = int(words[17])
        self.rss_bytes = int(words[21]) * _PAGE
        if "io" in self._files:
            try:
                values = [int(line.rpartition(b" ")[2]) for line in os.pread(self._files["io"], 512, 0).splitlines()]
            except PermissionError:  # the program changed its user after it started
                os.close(self._files.pop("io"))
                self.unreadable.add("io")
            else:
                sums["read_bytes_total"], sums["write_bytes_total"] = values[0], values[1]
                sums["disk_read_bytes_total"], sums["disk_write_bytes_total"] = values[4], values[5]

    def look_at_threads(self) -> None:
        """Read what the kernel keeps per thread; a process may have dozens, so this is done once a second."""
        now: dict[str, tuple[int, int, int]] = {}
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            base = f"/proc/{self.pid}/task/{thread}/"
            try:
                with open(base + "schedstat", "rb") as file:
                    delay = int(file.read().split()[1])
                with open(base + "status", "rb") as file:
                    lines = file.read().rpartition(b"voluntary_ctxt_switches:\t")
                voluntary = int(lines[0].rpartition(b"voluntary_ctxt_switches:\t")[2].split()[0])
                now[thread] = delay, voluntary, int(lines[2])
            except (OSError, ValueError, IndexError):
                continue  # the thread ended meanwhile, or the kernel keeps no such numbers
        for thread, values in now.items():  # those that ended leave what they had last
            before = self._threads.get(thread, (0, 0, 0))
            for name, old, new in zip(_OF_THREADS, before, values, strict=True):
                self.sums[name] += max(0, new - old)
        self._threads = now


class _Tree:
    """A process and all that it started. Once in, a process stays in, also when its parent dies before it."""

    def __init__(self, root_pid: int) -> None:
        self.processes: dict[int, _Process] = {}
        self.gone = dict.fromkeys(_SUMS, 0)
        self._root = root_pid
        self._strangers: set[int] = set()
        self._kernel_lists_children = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
        self.unreadable: set[str] = set()
        self._add(root_pid)

    def _add(self, pid: int) -> None:
        try:
            process = self.processes[pid] = _Process(pid)
        except OSError:
            return
        self.unreadable |= process.unreadable

    def refresh(self) -> None:
        """Find new processes of the tree and read the per-thread numbers."""
        if self._kernel_lists_children:
            self._ask_for_children()
        else:
            self._scan_for_children()
        for process in self.processes.values():
            try:
                process.look_at_threads()
            except OSError:
                pass  # the next look() drops it

    def _ask_for_children(self) -> None:
        todo = list(self.processes)
        while todo:
            pid = todo.pop()
            try:
                for thread in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                        new = [int(child) for child in file.read().split() if int(child) not in self.processes]
                    for child in new:
                        self._add(child)
                        if child in self.processes:
                            todo.append(child)
            except OSError:
                continue

    def _scan_for_children(self) -> None:
        """For kernels without the list of children: the parent of every process not seen before."""
        alive = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        self._strangers &= alive
        parents: dict[int, int] = {}
        for pid in alive - self._strangers - self.processes.keys():
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    parents[pid] = int(file.read().rpartition(b") ")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
        found = True
        while found:  # a child may have a lower number than its parent
            found = False
            for pid, parent in list(parents.items()):
                if parent in self.processes:
                    self._add(pid)
                    del parents[pid]
                    found = True
        self._strangers.update(parents)

    def look(self) -> None:
        """Read every process; those that ended leave their last numbers in ``gone``."""
        for pid, process in list(self.processes.items()):
            try:
                process.look()
            except (OSError, ValueError, IndexError):
                del self.processes[pid]
                process.close()
                for name, value in process.sums.items():
                    self.gone[name] += value

    def close(self) -> None:
        for process in self.processes.values():
            process.close()
        self.processes.clear()


class _Cores:
    """Idle, busy and waiting time of the cores we may use, between two looks."""

    def __init__(self, mask: list[int]) -> None:
        self._names = {b"cpu%d" % core for core in mask}
        self._file = os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC)
        self._size = 65536
        self._before = self._read()
        self.count = max(1, len(self._before))

    def _read(self) -> dict[bytes, tuple[int, int, int]]:
        """name -> (idle, waiting for disk, all) in ticks; guests are already counted as user time."""
        found = {}
        for line in os.pread(self._file, self._size, 0).split(b"intr", 1)[0].splitlines():
            words = line.split()
            if words and words[0] in self._names:
                ticks = [int(word) for word in words[1:9]]
                found[words[0]] = (ticks[3], ticks[4], sum(ticks))
        return found

    def look(self) -> tuple[float, float] | None:
        """(idle cores, cores waiting for the disk) since the last look; None when less than a tick has passed."""
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
    """Kept descriptors of /proc."""

    def __init__(self, root_pid: int) -> None:
        self.missing: list[str] = []
        self._root = root_pid
        self._tree = _Tree(root_pid)
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
            if self._quota is not None:  # a core that the quota does not let us use is not idle for us
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
    """Samples of one process tree and the machine; call ``sample()`` about every 100 ms, then ``close()``.

    ``missing`` names the columns that this system cannot give. Not thread-safe: one thread samples.
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
        """Columns that are not in the samples because the system does not tell."""
        return list(self._source.missing)

    def sample(self) -> Sample:
        """One row. Sums over the tree unless it says machine; never raises for processes that ended.

        ``time_ns`` monotonic; ``rss_bytes`` (pages shared by forked workers count in each), ``main_*`` of the
        root process; ``cpu_ns_total``, of it ``first_thread_cpu_ns_total`` in the first thread of each process, and
        ``system_ns_total`` in the kernel; ``read_bytes_total`` and ``write_bytes_total`` through
        system calls, ``disk_*`` those that reached the storage; ``minor_faults_total``, ``major_faults_total``;
        ``voluntary_switches_total``, ``involuntary_switches_total``, ``run_delay_ns_total`` (ready but not running),
        refreshed once a second; ``threads``, ``processes``. Machine, within our affinity mask, since the last
        sample: ``busy_cores`` of the tree, ``other_cores`` of everybody else, ``idle_cores``, ``iowait_cores``;
        ``swap_in_bytes_total``, ``huge_faults_total`` (that brought 2 MiB each), ``memory_available_bytes`` (until the
        machine or its cgroup is full; page cache is free), ``memory_limit_bytes`` (where a cgroup sets one);
        ``throttled_ns_total`` (run queues stopped by the CPU quota, summed over cores; 0 where no quota is set).
        """
        return self._source.sample()

    def close(self) -> None:
        """Close the descriptors; the sampler cannot be used afterwards."""
        self._source.close()
