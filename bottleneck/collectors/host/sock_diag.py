"""The kernel's socket diagnostics (netlink): one socket, or all established TCP connections of a family.

The layouts are those of ``linux/sock_diag.h``, ``linux/unix_diag.h`` and ``linux/inet_diag.h``.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from types import TracebackType

_SOCK_DIAG, _BY_FAMILY = 4, 20
_REQUEST, _ALL = 1, 0x300
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_TIMEOUT_SECONDS = 0.1
_BYTES = 1 << 16
Answer = tuple[bytes, dict[int, bytes]]  # its fixed part, and its attributes by number


class SockDiag:
    """A netlink socket to ask by; a context manager. Raises OSError where the kernel refuses it."""

    def __init__(self) -> None:
        family = getattr(socket, "AF_NETLINK", -1)
        self._link = socket.socket(family, socket.SOCK_RAW | getattr(socket, "SOCK_CLOEXEC", 0), _SOCK_DIAG)
        self._link.settimeout(_TIMEOUT_SECONDS)

    def __enter__(self) -> SockDiag:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._link.close()

    def one(self, asked: bytes, fixed_bytes: int) -> Answer | None:
        """The socket that is asked for; None if the kernel has none. ``fixed_bytes``: before the attributes."""
        self._send(asked, _REQUEST)
        message = self._link.recv(_BYTES)
        size, kind = struct.unpack_from("=IH", message)
        return _answer(message[_HEADER.size : size], fixed_bytes) if kind == _BY_FAMILY else None

    def all(self, asked: bytes, fixed_bytes: int) -> Iterator[Answer]:
        """Every socket that is asked for. Raises OSError where the kernel refuses."""
        self._send(asked, _REQUEST | _ALL)
        while True:
            messages, at = self._link.recv(_BYTES), 0
            while at + _HEADER.size <= len(messages):
                size, kind = struct.unpack_from("=IH", messages, at)
                if kind == _ERROR:
                    raise OSError(-struct.unpack_from("=i", messages, at + _HEADER.size)[0], "sock_diag")
                if kind == _DONE:
                    return
                if kind == _BY_FAMILY:
                    yield _answer(messages[at + _HEADER.size : at + size], fixed_bytes)
                at += max(_HEADER.size, (size + 3) & ~3)

    def _send(self, asked: bytes, flags: int) -> None:
        self._link.send(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, flags, 1, 0) + asked)


def _answer(body: bytes, fixed_bytes: int) -> Answer:
    found, at = dict[int, bytes](), fixed_bytes
    while at + _ATTRIBUTE.size <= len(body):
        length, name = _ATTRIBUTE.unpack_from(body, at)
        if length < _ATTRIBUTE.size:
            break
        found[name] = body[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return body[:fixed_bytes], found
