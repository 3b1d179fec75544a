"""Where a Unix socket leads: the path that its peer is bound to, from the kernel's socket diagnostics (netlink)."""

from __future__ import annotations

import socket
import struct

_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_SHOW_NAME, _SHOW_PEER = 1, 4
_ASK = struct.Struct("=IHHIIBBHIIIii")  # message header, then family, protocol, states, inode, what to show, cookie
_HEADER_BYTES, _ANSWER_BYTES = 16, 16
_ATTRIBUTE = struct.Struct("=HH")
_NAME, _PEER = 0, 2
_TIMEOUT_SECONDS = 0.1


def unix_peer(inode: int) -> str | None:
    """The path, ``@name`` for an abstract one, "" for none, as in a pair; None if it is no Unix socket of ours."""
    try:
        with socket.socket(
            getattr(socket, "AF_NETLINK", -1), socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG
        ) as link:
            link.settimeout(_TIMEOUT_SECONDS)
            own = _ask(link, inode)
            if own is None or _PEER not in own:
                return None if own is None else ""
            peer = _ask(link, *struct.unpack_from("=I", own[_PEER])) or {}
    except (OSError, struct.error):
        return None
    name = peer.get(_NAME, b"").decode("utf-8", "replace")
    return "@" + name[1:] if name.startswith("\0") else name.rstrip("\0")


def _ask(link: socket.socket, inode: int) -> dict[int, bytes] | None:
    """The attributes of one socket; None if the kernel has no such Unix socket."""
    asked = (socket.AF_UNIX, 0, 0, 0xFFFFFFFF, inode, _SHOW_NAME | _SHOW_PEER, -1, -1)
    link.send(_ASK.pack(_ASK.size, _BY_FAMILY, _REQUEST, 1, 0, *asked))
    answer = link.recv(4096)
    size, kind = struct.unpack_from("=IH", answer)
    found, at = dict[int, bytes](), _HEADER_BYTES + _ANSWER_BYTES
    if kind != _BY_FAMILY:
        return None
    while at + _ATTRIBUTE.size <= min(size, len(answer)):
        length, name = _ATTRIBUTE.unpack_from(answer, at)
        if length < _ATTRIBUTE.size:
            break
        found[name] = answer[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found
