"""What a record of a served request says: its route, how long it waited for the server, and the size of its answer."""

import os
import sys

MAX_ROUTES = 512  # most distinct "METHOD route status" texts; the rest share one name
_TCP, _TCP_INFO, _LAST_DATA = 6, 11, 52  # linux/tcp.h: tcpi_last_data_recv, in ms
_BITS = 11  # of a size's leading digits
_IS_LINUX = sys.platform == "linux"


def fold(path):
    """``path`` with every part that contains a digit replaced, so that ids do not create new routes."""
    return "/".join("{}" if any(c.isdigit() for c in part) else part[:64] for part in path.split("/")[:12])


def waited(sock):
    """1 + milliseconds since the kernel received the connection's last data; 0 if unknown.

    When a request begins, this is how long it waited for the server: for its turn to be accepted, and to be read. The
    kernel counts in its ticks of 1 to 10 ms.
    """
    if sock is None or not _IS_LINUX:
        return 0
    try:
        info = sock.getsockopt(_TCP, _TCP_INFO, _LAST_DATA + 4)
    except (OSError, AttributeError):  # a Unix socket, or an object that only looks like a socket
        return 0
    if len(info) < _LAST_DATA + 4:
        return 0
    return min(int.from_bytes(info[_LAST_DATA:], sys.byteorder), 0xFFFE) + 1


def packed(name, queue, size):
    """The argument of a REQUEST record. ``queue``: as ``waited`` says; ``size``: 1 + bytes of the answer, 0 unknown."""
    shift = max(0, size.bit_length() - _BITS)
    return name | queue << 32 | (min(shift, 31) << _BITS | size >> shift) << 48


def address_of(sock):
    """What the processes of one service have in common: the port or the path that they listen on; "" if unknown."""
    try:
        return address(sock.getsockname())
    except (OSError, AttributeError):
        return ""


def address(name):
    """The port of an internet address, the path of a Unix socket."""
    if isinstance(name, (tuple, list)):
        name = name[1] or name[0] if len(name) > 1 else ""
    return "port %d" % name if isinstance(name, int) else os.fsdecode(name or "")


class Names:
    """Ids of "METHOD route status" texts."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._names = {}

    def of(self, method, path, template, status):
        """``template``: of the route, None if the framework does not tell."""
        key = method, path if template is None else template, status
        found = self._names.get(key)
        return self._make(key, template) if found is None else found

    def _make(self, key, template):
        method, path, status = key
        if template is None:
            path = fold(path)
        if len(self._names) >= MAX_ROUTES:
            return self._recorder.string("%s (other) %d" % (method[:16], status))
        name = self._names[key] = self._recorder.string("%s %s %d" % (method[:16], path, status))
        return name
