"""The recorded process tree, read from Linux's ``/proc`` through descriptors that stay open.

A read costs a few microseconds, and a reused pid is never mistaken for the dead process.
"""

from __future__ import annotations

import os
import time

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICK_NS = 1_000_000_000 // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
#: Columns that a process adds up to; what a dead process had last stays in the sums, so that they never fall.
SUMS = (
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


class Process:
    """One process of the tree and its open descriptors. Every read raises OSError once the process has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.sums = dict.fromkeys(SUMS, 0)
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
        """Read the values that change with every sample."""
        # The name in parentheses may contain spaces and parentheses: count fields from the last parenthesis.
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
        if "schedstat" in self._files:  # of the first thread only
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
        """Read the kernel's per-thread values, once a second because a process may have dozens of threads."""
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
                continue  # the thread has ended, or the kernel does not count this
        for thread, values in now.items():  # ended threads keep their last values
            before = self._threads.get(thread, (0, 0, 0))
            for name, old, new in zip(_OF_THREADS, before, values, strict=True):
                self.sums[name] += max(0, new - old)
        self._threads = now


class Tree:
    """A process and all its descendants. A process stays in the tree even if its parent dies first."""

    def __init__(self, root_pid: int) -> None:
        self.processes: dict[int, Process] = {}
        self.gone = dict.fromkeys(SUMS, 0)
        self._root = root_pid
        self._strangers: set[int] = set()
        self._kernel_lists_children = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
        self.unreadable: set[str] = set()
        self._add(root_pid)

    def _add(self, pid: int) -> None:
        try:
            process = self.processes[pid] = Process(pid)
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
        """For kernels without the list of children: check the parent of every new process."""
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
        """Read every process; the last values of ended ones are added to ``gone``."""
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
