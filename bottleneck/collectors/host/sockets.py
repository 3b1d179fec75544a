"""Where the sockets of a process lead: address and port of the peer, or its path, from the kernel's tables."""

from __future__ import annotations

import ipaddress
import os
import sys
import time

from .unix_sockets import unix_peer

_COST_SHARE = 0.0005  # of a core; the kernel takes milliseconds to write a table of internet connections
_MAX_KNOWN = 4096
_LISTENS = b"0A"


class Sockets:
    """Peers by inode. Tables are read only when a socket is new, and not more often than their cost allows.

    ``cost_seconds``: CPU time of the tables so far.
    """

    def __init__(self) -> None:
        self.cost_seconds = 0.0
        self._known: dict[int, tuple[str, str]] = {}
        self._internet: set[int] = set()  # those that are no Unix sockets
        self._next = 0.0

    def find(self, pid: int, inode: int) -> tuple[str, str]:
        """("socket", address and port of the peer, or its path) or ("accept", those of the socket, which listens).

        The address is "" for a socket without one, and for a new socket until the tables may be read again.
        """
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
            self._internet.clear()
        if inode not in self._known and inode not in self._internet:
            path = unix_peer(inode)
            if path is None:
                self._internet.add(inode)
            else:
                self._known[inode] = "socket", path
        if inode not in self._known and time.monotonic() >= self._next:
            began = time.thread_time()
            any(inode in self._read(f"/proc/{pid}/net/{name}") for name in ("tcp", "tcp6"))
            self._known.setdefault(inode, ("socket", ""))
            cost = time.thread_time() - began
            self.cost_seconds += cost
            self._next = time.monotonic() + cost / _COST_SHARE
        return self._known.get(inode, ("socket", ""))

    def _read(self, table: str) -> dict[int, tuple[str, str]]:
        try:
            with open(table, "rb") as file:
                lines = file.read().splitlines()[1:]
        except OSError:
            return self._known
        self._known.update(filter(None, map(_connection, lines)))
        return self._known


def _connection(line: bytes) -> tuple[int, tuple[str, str]] | None:
    """(inode, what and where) of a line; None if no process holds the connection."""
    words = line.split()
    try:
        inode = int(words[9])
        found = ("accept", _address(words[1])) if words[3] == _LISTENS else ("socket", _address(words[2]))
    except (ValueError, IndexError):
        return None
    return (inode, found) if inode else None


def _address(words: bytes) -> str:
    """``0100007F:1538`` as 127.0.0.1:5432. The kernel writes each four bytes as one number of the machine."""
    address, _, port = words.partition(b":")
    packed = bytes.fromhex(address.decode("ascii"))
    if sys.byteorder == "little":
        packed = b"".join(packed[i : i + 4][::-1] for i in range(0, len(packed), 4))
    host = ipaddress.ip_address(packed)
    mapped = getattr(host, "ipv4_mapped", None)
    text = str(mapped or host)
    return f"[{text}]:{int(port, 16)}" if ":" in text else f"{text}:{int(port, 16)}"


def inode_of(link: str) -> int:
    """The number in ``socket:[123]``; 0 if there is none."""
    number = os.path.basename(link).partition("[")[2].rstrip("]")
    return int(number) if number.isdigit() else 0
