"""What a sleeping thread waits for, from the system call that it sleeps in and the descriptors of its process."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from . import system_calls
from .sockets import Sockets, inode_of

Target = tuple[str, str]  # what (see ``facts.Wait``) and its name, "" if unknown
_MAX_DESCRIPTORS = 8  # looked at per call
_POLLED = struct.Struct("=ihh")
_SELECTED_BYTES = 128
_PAGE_FAULT: Target = "memory", ""
_UNKNOWN: Target = "", ""
_INODES = {"pipe": "pipe", "eventpoll": "events", "eventfd": "events", "timerfd": "sleep", "pidfd": "child"}


class WaitTargets:
    """Of one process. Raises OSError only where the process has ended or may not be read."""

    def __init__(self, pid: int, calls: dict[int, str], sockets: Sockets) -> None:
        self._base = f"/proc/{pid}/"
        self._pid = pid
        self._calls = calls
        self._sockets = sockets
        self._interpreter: list[range] | None = None

    def of(self, text: bytes, native: int) -> Target:
        """``text``: what the ``syscall`` file of a thread says: number, arguments, stack and instruction pointers."""
        words = text.split()
        number, arguments = int(words[0]), [int(word, 16) for word in words[1:7]]
        if number < 0:
            return _PAGE_FAULT if self._is_on_disk(native) else _UNKNOWN
        kind = self._calls.get(number, "")
        if kind == system_calls.FUTEX:
            return "gil" if self._is_interpreters(arguments[0]) else "lock", ""
        if kind == system_calls.DESCRIPTOR:
            return self._descriptor(arguments[0])
        if kind == system_calls.POLL:
            return self._any(self._polled(arguments[0], arguments[1]))
        if kind == system_calls.SELECT:
            return self._any(self._selected(arguments[0], arguments[1:3]))
        if kind == system_calls.EPOLL:
            return self._any(self._watched(arguments[0]), "events")
        if kind == system_calls.CHILD_FIRST:
            return "child", self._name(arguments[0])
        if kind == system_calls.CHILD_SECOND:
            return "child", self._name(arguments[1]) if arguments[0] == os.P_PID else ""
        return (kind, "") if kind else _UNKNOWN

    def _is_on_disk(self, native: int) -> bool:
        """Whether a thread sleeps uninterruptibly; outside of a call, others have been stopped or have ended."""
        with open(f"{self._base}task/{native}/stat", "rb") as file:
            return file.read(512).rpartition(b") ")[2][:1] == b"D"

    def _any(self, descriptors: Iterable[int], several: str = "") -> Target:
        """What the descriptors have in common. None at all: the call is used to sleep."""
        found = {self._descriptor(each) for each in descriptors}
        if not found:
            return (several or "sleep"), ""
        if several and len(found) > 1 and any(what == "accept" for what, _ in found):
            return several, ""  # a server: which of its connections a task waits for is not known
        # An event or a pair of sockets only wakes the loop.
        found = {each for each in found if each[1]} or {each for each in found if each[0] != "events"} or found
        if len(found) == 1:
            return next(iter(found))
        kinds = {what for what, _ in found}
        return (next(iter(kinds)) if len(kinds) == 1 else "events"), ""

    def _descriptor(self, number: int) -> Target:
        path = f"{self._base}fd/{number & 0xFFFFFFFF}"
        try:
            link = os.readlink(path)
        except FileNotFoundError:
            return _UNKNOWN  # closed in the meantime
        if not link.startswith("/"):
            what = link.partition("[")[2].rstrip("]") if link.startswith("anon_inode:") else link.partition(":")[0]
            return self._sockets.find(self._pid, inode_of(link)) if what == "socket" else (_INODES.get(what, ""), "")
        return _what(path), link.removesuffix(" (deleted)")

    def _memory(self, address: int, size: int) -> bytes:
        """The numbers that the call was given in an array; b"" if they cannot be read."""
        try:
            memory = os.open(f"{self._base}mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            return os.pread(memory, size, address)
        except (OSError, OverflowError):
            return b""
        finally:
            os.close(memory)

    def _polled(self, address: int, count: int) -> list[int]:
        data = self._memory(address, _POLLED.size * min(count, _MAX_DESCRIPTORS)) if count else b""
        whole = len(data) - len(data) % _POLLED.size
        found = [descriptor for descriptor, _, _ in _POLLED.iter_unpack(data[:whole]) if descriptor >= 0]
        return found or [-1] * bool(count)

    def _selected(self, count: int, addresses: list[int]) -> list[int]:
        size = min((count + 7) // 8, _SELECTED_BYTES)
        sets = [self._memory(address, size) for address in addresses if address and size]
        found = sorted({8 * at + bit for each in sets for at, byte in enumerate(each) for bit in _bits(byte)})
        return found[:_MAX_DESCRIPTORS] or [-1] * bool(count)

    def _watched(self, number: int) -> list[int]:
        try:
            with open(f"{self._base}fdinfo/{number}", "rb") as file:
                lines = file.read(4096).splitlines()
        except OSError:
            return []
        return [int(line.split()[1]) for line in lines if line.startswith(b"tfd:")][:_MAX_DESCRIPTORS]

    def _name(self, pid: int) -> str:
        """The name of a child process; its arguments may hold secrets."""
        if not 0 < pid < 1 << 31:
            return ""
        try:
            with open(f"/proc/{pid}/comm", "rb") as file:
                return file.read(64).decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def _is_interpreters(self, address: int) -> bool:
        """Whether a lock is part of Python's own static data, as the GIL is; all others are allocated."""
        if self._interpreter is None:
            self._interpreter = self._static_data()
        return any(address in each for each in self._interpreter)

    def _static_data(self) -> list[range]:
        program = os.readlink(self._base + "exe")
        found: list[range] = []
        with open(self._base + "maps", encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.rstrip("\n").split(None, 5)
                start, end = (int(word, 16) for word in words[0].split("-"))
                path = words[5] if len(words) > 5 else ""
                python = path == program or os.path.basename(path).startswith("libpython")
                follows = not path and bool(found) and found[-1].stop == start  # variables that begin as zero
                if words[1].startswith("rw") and (python or follows):
                    found.append(range(start, end))
        return found


def _bits(byte: int) -> list[int]:
    return [bit for bit in range(8) if byte >> bit & 1]


def _what(path: str) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "file"
    return "pipe" if stat.S_ISFIFO(mode) else "device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "file"
