"""The TCP connections of the recorded processes: whether Nagle's algorithm holds back what the program has written.

The kernel sends a small packet only once the other end has acknowledged the small packet before it, and the other end
may take 40 ms to do that (a delayed ACK). It says so of each connection (``tcp_info`` in its socket diagnostics): bytes
that are not sent, less than a packet of them, while the window of the other end and the congestion window have room.

A look costs about ten microseconds for each end of a connection, and there is none without connections. To find the
connections costs more, and is done as seldom as that allows.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan

from .sock_diag import SockDiag
from .sockets import inode_of

COLUMNS = (
    "connections",
    "connections_in_use",
    "connections_held",
    "connections_held_within",
    "held_ns_total",
    "held_packets_total",
    "connections_held_pid",
)
EVERY_SECONDS = 0.5  # between two searches, at least
SEARCH_SHARE = 0.002  # of a core, for the searches
COST_SHARE = 0.001  # of a core, for all of it
FREE_SECONDS = 0.02  # of CPU time beyond that, for the first looks
MAX_ASKED = 16  # connections at one look; if there are more, each has its turn
MAX_KNOWN = 1024

_ASK = struct.Struct("=BBBBI48s")  # family, protocol, extensions, padding, states, the connection
_ANSWER_BYTES = 72
_ESTABLISHED = 1 << 1
_TCP_INFO = 2
_MSS, _CWND = 16, 80  # offsets in struct tcp_info, of numbers of 32 bits
_NOT_SENT, _DATA_IN, _DATA_OUT, _WINDOW = 144, 152, 156, 228
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address, in a socket of IPv6
Place = tuple[bytes, int]  # address and port


@dataclass
class _End:
    """One end of a connection. ``id``: as the kernel names it; ``packets``: with data, in and out, at the last look."""

    pid: int
    family: int
    id: bytes
    packets: tuple[int, int] = (-1, -1)
    looked_ns: int = 0
    held_before: bool = False


@dataclass(frozen=True)
class State:
    """What the kernel says of one end. ``packets``: with data, received and sent so far."""

    held: bool
    packets: tuple[int, int]


class Connections:
    """Call ``sample`` whenever the host is sampled, ``close`` at the end. ``problem``: why the kernel could not be
    asked, "" if it could."""

    def __init__(self) -> None:
        self.problem = ""
        self.cost_seconds = 0.0  # of all looks and searches so far
        self._began = time.monotonic()
        self._link: SockDiag | None = None
        self._next = 0.0
        self._inodes = frozenset[int]()
        self._ends: dict[int, _End] = {}  # by inode
        self._known: dict[tuple[Place, ...], list[int]] = {}  # connection -> inodes of the ends that are ours
        self._turn = 0
        self._held_ns = self._held_packets = 0

    def sample(self, pids: Iterable[int]) -> dict[str, float]:
        """One row of COLUMNS; nan where the kernel does not say.

        ``connections`` that are established, of those looked at; ``connections_in_use``: that carried data since the
        last look, or hold some back; ``connections_held``: that do; ``connections_held_within``: of these, to a process
        that is recorded too. ``held_ns_total``: time of all of them so far, by looks; ``held_packets_total``: packets
        with data that ends with held data have sent; ``connections_held_pid``: a process with held data, nan if none.
        """
        row = dict.fromkeys(COLUMNS, nan)
        now, began = time.monotonic(), time.thread_time()
        if self.problem or self.cost_seconds > FREE_SECONDS + COST_SHARE * (now - self._began):
            return row
        try:
            if now >= self._next:
                self._search(pids)
                self._next = now + max(EVERY_SECONDS, (time.thread_time() - began) / SEARCH_SHARE)
            row = self._look()
        except (OSError, struct.error) as error:
            self.problem = str(getattr(error, "strerror", "") or error).lower()
        self.cost_seconds += time.thread_time() - began
        return row

    def close(self) -> None:
        if self._link is not None:
            self._link.close()

    def _search(self, pids: Iterable[int]) -> None:
        """Find the connections, if the processes have other sockets than before."""
        owner = {inode: pid for pid in pids for inode in _sockets_of(pid)}
        inodes = frozenset(owner)
        if inodes == self._inodes:
            return
        self._inodes = inodes
        self._ends = {inode: end for inode, end in self._ends.items() if inode in inodes}
        if not self._ends.keys() >= inodes:
            for family, id, inode in self._established():
                if inode in owner and inode not in self._ends and len(self._ends) < MAX_KNOWN:
                    self._ends[inode] = _End(owner[inode], family, id)
        self._known = {}
        for inode, end in self._ends.items():
            self._known.setdefault(tuple(sorted(_places(end.id))), []).append(inode)

    def _established(self) -> list[tuple[int, bytes, int]]:
        """(family, id, inode) of every established connection of this machine."""
        if self._link is None:
            self._link = SockDiag()
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            asked = _ASK.pack(family, socket.IPPROTO_TCP, 0, 0, _ESTABLISHED, bytes(48))
            for fixed, _ in self._link.all(asked, _ANSWER_BYTES):
                found.append((fixed[0], fixed[4:52], struct.unpack_from("=I", fixed, 68)[0]))
        return found

    def _look(self) -> dict[str, float]:
        row: dict[str, float] = dict.fromkeys(COLUMNS, 0)
        row["connections_held_pid"] = nan
        for connection in self._asked():
            ends = [self._ends[inode] for inode in self._known[connection] if inode in self._ends]
            states = [(end, state) for end in ends if (state := self._ask(end)) is not None]
            if not states:
                del self._known[connection]  # it has been closed
                continue
            row["connections"] += 1
            in_use, held = False, False
            for end, state in states:
                in_use |= self._learn(end, state)
                if state.held:
                    held, row["connections_held_pid"] = True, end.pid
            row["connections_in_use"] += in_use or held
            row["connections_held"] += held
            row["connections_held_within"] += held and len(ends) > 1
        return {**row, "held_ns_total": self._held_ns, "held_packets_total": self._held_packets}

    def _asked(self) -> list[tuple[Place, ...]]:
        every = list(self._known)
        if len(every) <= MAX_ASKED:
            return every
        self._turn = (self._turn + MAX_ASKED) % len(every)
        return (every[self._turn :] + every[: self._turn])[:MAX_ASKED]

    def _ask(self, end: _End) -> State | None:
        assert self._link is not None
        asked = _ASK.pack(end.family, socket.IPPROTO_TCP, 1 << (_TCP_INFO - 1), 0, 0xFFFFFFFF, end.id)
        found = self._link.one(asked, _ANSWER_BYTES)
        return None if found is None else state_of(*found)

    def _learn(self, end: _End, state: State) -> bool:
        """Add a look to the sums; whether the end has carried data since the one before."""
        now, before = time.monotonic_ns(), end.packets
        since, end.packets, end.looked_ns = end.looked_ns, state.packets, now
        if before[0] < 0:  # its first look; a new connection
            return any(state.packets)
        if state.held:
            self._held_ns += now - since
        end.held_before |= state.held
        if end.held_before:
            self._held_packets += max(0, state.packets[1] - before[1])
        return state.packets != before


def state_of(fixed: bytes, attributes: Mapping[int, bytes]) -> State | None:
    """From the kernel's answer; None if the connection is closed or the kernel does not tell all of this."""
    info = attributes.get(_TCP_INFO, b"")
    if fixed[1] != 1 or len(info) < _WINDOW + 4:
        return None
    (queued,) = struct.unpack_from("=I", fixed, 60)  # written and not acknowledged, sent or not
    mss, cwnd, unsent, window = (struct.unpack_from("=I", info, at)[0] for at in (_MSS, _CWND, _NOT_SENT, _WINDOW))
    flying = queued - unsent
    # One small packet is on its way, or with it a full one, which the other end need not acknowledge at once either.
    held = 0 < unsent < mss and 0 < flying < 2 * mss and queued <= window and flying < cwnd * mss
    return State(held, struct.unpack_from("=II", info, _DATA_IN))


def _sockets_of(pid: int) -> list[int]:
    folder = f"/proc/{pid}/fd"
    found = []
    try:
        for name in os.listdir(folder):
            try:
                link = os.readlink(f"{folder}/{name}")
            except OSError:  # closed meanwhile
                continue
            if link.startswith("socket:"):
                found.append(inode_of(link))
    except OSError:  # it has ended, or belongs to another user
        pass
    return found


def _places(id: bytes) -> tuple[Place, Place]:
    """(this end, the other end) of a connection as the kernel names it."""
    own, other = struct.unpack_from("!HH", id)
    return (_plain(id[4:20]), own), (_plain(id[20:36]), other)


def _plain(address: bytes) -> bytes:
    if address.startswith(_MAPPED):
        return address[12:]
    return address[:4] if not any(address[4:]) else address
