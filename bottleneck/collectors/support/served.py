"""What a record of a served request says: its route, how long it waited for the server, and the size of its answer."""

import os
import sys

MAX_ROUTES = 512  # most distinct "METHOD route status" texts; the rest share one name
MAX_KNOWN = 4096  # paths whose route is kept; each id in a path makes another one
#: Requests that are asked how long they waited, which takes a system call: all at first, then one in 4, or in 32 where
#: each of them takes less than a millisecond.
ALL_AT_FIRST, OFTEN, RARELY, QUICK_NS = 64, 3, 31, 1_000_000
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
    except (OSError, AttributeError, TypeError):  # a Unix socket, or an object that only looks like a socket
        return 0
    if not isinstance(info, bytes) or len(info) < _LAST_DATA + 4:
        return 0
    return min(int.from_bytes(info[_LAST_DATA:], sys.byteorder), 0xFFFE) + 1


def short(size):
    """A size in 16 bits: its highest 11, and above them the number of those left out."""
    shift = max(0, size.bit_length() - _BITS)
    return min(shift, 31) << _BITS | size >> shift


def address_of(sock):
    """What the processes of one service have in common: the port or the path that they listen on; "" if unknown."""
    try:
        return address(sock.getsockname())
    except (OSError, AttributeError, TypeError):
        return ""


def address(name):
    """The port of an internet address, the path of a Unix socket."""
    if isinstance(name, (tuple, list)):
        name = name[1] or name[0] if len(name) > 1 else ""
    return "port %d" % name if isinstance(name, int) else os.fsdecode(name or "")


class Names:
    """Ids of "METHOD route status" texts. ``known``: of names, as ``of`` takes them."""

    def __init__(self, recorder):
        self._recorder = recorder
        self._ids = {}
        self.known = {}

    def of(self, name):
        """The id of a name: method, path (None if there is a template), template of the route or None, and status."""
        method, path, template, status = name
        text = "%s %s %d" % (method[:16], fold(path) if template is None else template, status)
        if text not in self._ids and len(self._ids) >= MAX_ROUTES:
            text = "%s (other) %d" % (method[:16], status)
        found = self._ids.get(text)
        if found is None:
            found = self._ids[text] = self._recorder.string(text)
        if len(self.known) < MAX_KNOWN:
            self.known[name] = found
        return found
