"""Reads what the threads of the recorded processes wait for, from outside: the system call that each one sleeps in.

A pass reads one or two open files per thread, and nothing in the program itself. A thread that has not run since the
last pass is still in the same wait, and is not looked at again. Passes are left out once they have cost more than their
share. Consecutive passes that find the same wait are one row.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import signals
from ...recording.model import RECORD_DTYPE, Records
from .sockets import Sockets
from .system_calls import system_calls
from .wait_targets import Target, WaitTargets

EVERY_SECONDS = 0.1
COST_SHARE = 0.0012  # of a core
FREE_SECONDS = 0.005  # of CPU time beyond that, for the first passes
MAX_THREADS = 128  # two descriptors each
MAX_TARGETS = 2000  # with a name; a program may read any number of files
Note = tuple[int, str, dict[str, Any]]


@dataclass
class _Thread:
    """A thread that is looked at, and the wait that it is in. ``cpu_ns``: of its process, when that began."""

    process: _Process
    native: int
    files: tuple[int, int]  # its run time, -1 if not counted; its system call
    ran: bytes = b""
    wait: int = 0
    t0: int = 0
    t1: int = 0
    since: int = 0
    cpu_ns: int = 0


@dataclass
class _Process:
    index: int
    pid: int
    targets: WaitTargets
    at: int = 0
    cpu_ns: int = 0
    before: tuple[int, int] = (0, 0)  # ``at`` and ``cpu_ns`` of the pass before

    def look(self, now: int) -> None:
        cpu_ns = time.clock_gettime_ns((~self.pid << 3) | 2)
        self.before = (self.at, self.cpu_ns) if self.at else (now, cpu_ns)
        self.at, self.cpu_ns = now, cpu_ns


@dataclass
class WaitSampler:
    """Call ``look`` on every tick, ``take`` whenever a part is written, ``close`` at the end.

    ``problem``: why threads could not be read, "" if they could.
    """

    problem: str = ""
    passes: int = 0
    cost_seconds: float = 0.0
    _next: float = 0.0
    _notes_seen: int = 0
    _processes: dict[int, _Process] = field(default_factory=dict)
    _threads: dict[tuple[int, int], _Thread] = field(default_factory=dict)
    _ids: dict[Target, int] = field(default_factory=dict)
    _rows: list[tuple[int, int, int, int, int, int, int]] = field(default_factory=list)
    _said: list[Note] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._calls = system_calls()
        if not self._calls:
            self.problem = "the system does not tell"
        self._sockets = Sockets()

    @property
    def table_seconds(self) -> float:
        """CPU time spent on the kernel's tables of connections, a part of ``cost_seconds``."""
        return self._sockets.cost_seconds

    def look(self, notes: Sequence[Note], pids: Mapping[int, int]) -> None:
        """One pass over all threads, if it is due. ``notes``: all so far; ``pids``: pid -> process index in them."""
        started = time.monotonic()
        allowed = FREE_SECONDS + COST_SHARE * (started - self._began) + self.table_seconds
        if started < self._next or self.cost_seconds > allowed:
            return
        self._next = started + EVERY_SECONDS
        cost = time.thread_time()
        self._learn(notes, pids)
        now = time.monotonic_ns()
        for process in list(self._processes.values()):
            try:
                process.look(now)
            except OSError:  # it has ended
                self._forget(process)
        for thread in list(self._threads.values()):
            self._ask(thread)
        self.passes += 1
        self.cost_seconds += time.thread_time() - cost

    def take(self) -> tuple[Records, list[Note]]:
        """Rows and notes since the last call. Threads that still wait get another row later."""
        for thread in self._threads.values():
            self._close_row(thread)
        rows = np.array(self._rows, RECORD_DTYPE)
        notes, self._rows, self._said = self._said, [], []
        return rows, notes

    def close(self) -> None:
        for process in list(self._processes.values()):
            self._forget(process)

    def _learn(self, notes: Sequence[Note], pids: Mapping[int, int]) -> None:
        """Watch the main thread of each new process, and the other threads that it has named."""
        new, self._notes_seen = notes[self._notes_seen :], len(notes)
        pid_of = {index: pid for pid, index in pids.items()}
        for index, kind, fields in new:
            pid = pid_of.get(index, 0)
            if kind == "hello" and pid:
                self._processes[index] = _Process(index, pid, WaitTargets(pid, self._calls, self._sockets))
                self._watch(index, pid)
            elif kind == "thread" and fields.get("native_id"):
                self._watch(index, int(fields["native_id"]))

    def _watch(self, index: int, native: int) -> None:
        process = self._processes.get(index)
        if process is None or len(self._threads) >= MAX_THREADS:
            return
        folder = f"/proc/{process.pid}/task/{native}"
        try:
            call = os.open(f"{folder}/syscall", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if os.path.isdir(folder):  # otherwise it has ended
                self.problem = _reason(error)
            return
        try:
            ran = os.open(f"{folder}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            ran = -1
        self._threads[index, native] = _Thread(process, native, (ran, call))

    def _ask(self, thread: _Thread) -> None:
        process = thread.process
        ran, call = thread.files
        try:
            before, thread.ran = thread.ran, os.pread(ran, 64, 0) if ran >= 0 else b""
            if thread.wait and thread.ran and thread.ran == before:
                thread.t1 = process.at
                return None
            text = os.pread(call, 256, 0)
            target = None if text.startswith(b"running") else process.targets.of(text, thread.native)
        except PermissionError as error:
            self.problem = _reason(error)
            return self._drop(thread)
        except (OSError, ValueError, IndexError):  # it has ended
            return self._drop(thread)
        if target is None or not target[0]:
            return self._close_row(thread)
        wait = self._number(target, process.index)
        if wait != thread.wait:
            self._close_row(thread)
            thread.wait, thread.t0 = wait, process.at
            thread.since, thread.cpu_ns = process.before
        thread.t1 = process.at

    def _number(self, target: Target, process: int) -> int:
        if target not in self._ids:
            if len(self._ids) >= MAX_TARGETS:
                target = target[0], ""
            if target not in self._ids:
                self._ids[target] = 1 + len(self._ids)
                self._said.append((process, "wait", {"id": self._ids[target], "what": target[0], "name": target[1]}))
        return self._ids[target]

    def _close_row(self, thread: _Thread) -> None:
        if thread.wait:
            process, wall = thread.process, thread.process.at - thread.since
            ran = process.cpu_ns - thread.cpu_ns
            cores = min(0xFFFF, max(0, 100 * ran // wall)) if wall > 0 else 0
            argument = thread.wait | thread.native << 32
            self._rows.append((process.index, 0, signals.WAIT, cores, thread.t0, thread.t1, argument))
        thread.wait = 0

    def _drop(self, thread: _Thread) -> None:
        self._close_row(thread)
        for file in thread.files:
            if file >= 0:
                os.close(file)
        del self._threads[thread.process.index, thread.native]

    def _forget(self, process: _Process) -> None:
        del self._processes[process.index]
        for thread in [each for each in self._threads.values() if each.process is process]:
            self._drop(thread)


def _reason(error: OSError) -> str:
    return "the kernel does not tell" if isinstance(error, FileNotFoundError) else os.strerror(error.errno or 0).lower()
