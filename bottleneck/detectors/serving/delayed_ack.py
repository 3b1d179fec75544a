"""Nagle's algorithm holds the second of two small packets back until the other end acknowledges the first."""

from __future__ import annotations

from math import sqrt

from ...artifacts.run.machine import Machine
from ...artifacts.serving.connections import Connections
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Location, Outcome
from ...diagnosis.laws import gain
from .. import Detector

_HANDLER = """\
class {name}(...):
    disable_nagle_algorithm = True  # sets TCP_NODELAY on each connection
    # or send both parts at once: wbufsize = -1"""
_SOCKET = """\
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
# or send both parts at once
connection.sendall(header + body)"""


class DelayedAck(Detector):
    """A message is written in two small parts, and the second waits for a delayed ACK, 40 ms each time.

    Why it matters
        Nagle's algorithm lets only one small packet of a connection be on its way. The next is sent when the other end
        has acknowledged it, and the other end delays that by 40 ms or more, because it has nothing to send before it
        knows the whole message. On a connection that stays open this happens with nearly every message.
    How it is measured
        The kernel is asked about each TCP connection of the program ten times a second: whether less than a packet of
        data is not sent, while a small packet is not acknowledged and the windows of the other end and of the network
        have room. Nothing else holds data back then. The delay is that time, by the packets that were sent.
    How to fix it
        Set ``disable_nagle_algorithm = True`` in a handler of ``http.server`` or ``socketserver``, and ``TCP_NODELAY``
        on a socket of your own; or write the message at once.
    When to ignore it
        When nobody waits for the messages, as for a stream of logs.
    """

    id = "delayed-ack"
    title = "The second part of each message waits for a delayed ACK (Nagle's algorithm)"
    stage = "serving"
    judges_work = False  # that no data is held back says nothing of the work
    explains = ("residual-python", "no-batching")
    share_threshold = 0.1  # of the time of a connection in use
    min_looks = 8  # that saw data held back
    min_delay_seconds = 0.01  # Linux delays an ACK by 40 ms; less is the way to the other end and back
    range_low, range_high = 0.6, 0.05  # of the share, and added to it: clients that are not seen may do more than wait

    def detect(self, connections: Connections, machine: Machine) -> Outcome:
        share, delay = connections.held_share, connections.delay_seconds
        if share < self.share_threshold or connections.held_looks < self.min_looks or delay is None:
            words = "time of a connection in which Nagle's algorithm holds data back"
            return Fine(min(share, self.share_threshold), self.share_threshold, "share", words)
        if delay < self.min_delay_seconds:
            return Fine(delay, self.min_delay_seconds, "s", "time that Nagle's algorithm holds a message back")
        line, holder = connections.line, connections.holder
        where = None if line is None else Location(line.file, line.line, line.function)
        unknown = () if where or holder is None else (Evidence("process that writes", f"pid {holder.pid}"),)
        return self.finding(
            location=where,
            evidence=(
                Evidence("wait of each message for the ACK", delay, "s"),
                Evidence("time of a connection in which data is held back", share, "share"),
                Evidence("connections in use", connections.in_use, "count"),
                Evidence("messages held back", round(connections.held_messages), "count"),
                *unknown,
            ),
            gain=self._gain(connections, delay, machine.cores),
            fix=_fix(connections),
            after="the time that the program computes for each message becomes the bottleneck",
        )

    def _gain(self, connections: Connections, delay: float, cores: float) -> Gain:
        """What a connection's time shrinks to: the rest of it, or what the process that writes computes.

        How many cores that can use at once is not known: from one, for which the GIL may be the reason, to one for each
        connection; the mean of the two is expected.
        """
        share = connections.held_share
        at_once = sqrt(max(1.0, min(cores, connections.in_use)))
        saved = max(0.0, min(share, 1.0 - min(1.0, connections.cores / at_once)))
        method = (
            f"each message waits {delay * 1e3:.0f} ms for its ACK, which is {share:.0%} of the time of a connection "
        )
        method += f"in use; the rest remains, or what the process computes (now {connections.cores:.2f} of a core)"
        if not connections.within:
            high = min(0.99, share + self.range_high)
            return Gain(saved, self.range_low * saved, high, 0.0, method, "p99", confidence=0.7)
        most = min(share, connections.main_waits_share) * connections.in_use_seconds
        least = max(0.0, min(share, 1.0 - min(1.0, connections.all_cores))) * connections.in_use_seconds
        return gain(
            min(most, saved * connections.in_use_seconds),
            connections.wall_seconds,
            method,
            low_seconds=min(most, least),
            high_seconds=most,
        )


def _fix(connections: Connections) -> Fix:
    line = connections.line
    if line is not None and line.handler:
        name = line.function.partition(".")[0]
        text = f"Set disable_nagle_algorithm = True on {name}, or write headers and body at once"
        return Fix(text, _HANDLER.format(name=name), effort=1)
    return Fix("Set TCP_NODELAY on the socket, or write each message at once", _SOCKET, effort=1)
