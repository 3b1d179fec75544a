"""Where a Unix socket leads: the path that its peer is bound to, from the kernel's socket diagnostics."""

from __future__ import annotations

import socket
import struct

from .sock_diag import SockDiag

_SHOW_NAME, _SHOW_PEER = 1, 4
_ASK = struct.Struct("=BBHIIIii")  # family, protocol, states, inode, what to show, cookie
_ANSWER_BYTES = 16
_NAME, _PEER = 0, 2


def unix_peer(inode: int) -> str | None:
    """The path, ``@name`` for an abstract one, "" for none, as in a pair; None if it is no Unix socket of ours."""
    try:
        with SockDiag() as link:
            own = _ask(link, inode)
            if own is None or _PEER not in own:
                return None if own is None else ""
            peer = _ask(link, *struct.unpack_from("=I", own[_PEER])) or {}
    except (OSError, struct.error):
        return None
    name = peer.get(_NAME, b"").decode("utf-8", "replace")
    return "@" + name[1:] if name.startswith("\0") else name.rstrip("\0")


def _ask(link: SockDiag, inode: int) -> dict[int, bytes] | None:
    """The attributes of one socket; None if the kernel has no such Unix socket."""
    asked = _ASK.pack(socket.AF_UNIX, 0, 0, 0xFFFFFFFF, inode, _SHOW_NAME | _SHOW_PEER, -1, -1)
    found = link.one(asked, _ANSWER_BYTES)
    return None if found is None else found[1]
