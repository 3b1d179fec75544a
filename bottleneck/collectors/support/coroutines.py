"""Records requests that coroutines answer, whichever server's event loop runs them."""

import sys

from ...agent.recorder import now
from .likeness import LEAST_NS, Likeness
from .served import address


def task():
    """A number for the running task of asyncio; 0 without one."""
    module = sys.modules.get("asyncio.tasks")
    try:
        running = None if module is None else module.current_task()
    except RuntimeError:  # no loop of asyncio runs: the server has another one
        return 0
    return 0 if running is None else id(running)


def arrive(state, keys, sock, where, server=""):
    """(requests in flight, how long this one waited): a request begins, which is known by ``keys`` while it lasts.

    ``sock``: its connection; ``where``: the address that its server listens on. None where unknown. ``server``: as
    ``tell_address`` takes it.
    """
    in_flight = state.in_flight = state.in_flight + 1
    arrivals = state.arrivals = state.arrivals + 1
    if not state.beating or state.loop.is_closed():
        state.begin()
    state.inside |= keys
    if not state.addressed:
        state.tell_address(address(where), server)
    return in_flight, 0 if arrivals & state.spared else state.ask(sock, now())


class Asked:
    """A request of a server that is not an ASGI one, while a coroutine answers it."""

    __slots__ = ("in_flight", "keys", "queue", "t0")

    def __init__(self, running):
        self.keys = {running or id(self)}
        self.in_flight = self.queue = self.t0 = 0


def enter(state, sock, where, server):
    """Begin a request in the running task; None if it cannot be recorded, or is part of one that is."""
    asked = None
    try:
        running = task()
        if not state.on or running in state.inside:
            return None
        asked = Asked(running)
        asked.in_flight, asked.queue = arrive(state, asked.keys, sock, where, server)
        asked.t0 = now()
        return asked
    except BaseException as error:
        if asked is not None:
            state.in_flight -= 1
        state.off("before", error)
        return None


def leave(state, asked, told):
    """End a request. ``told()`` says its name as ``Serving.put`` takes it, 1 + bytes of its answer, 0 if unknown, and
    a function for what it and its answer hash to, or None."""
    t1 = now()
    state.in_flight -= 1
    state.inside -= asked.keys
    if not state.on:
        return
    try:
        name, size, alike = told()
        state.put(asked.t0, t1, asked.in_flight, name, asked.queue, size)
        if alike is not None and t1 - asked.t0 >= LEAST_NS:
            like = alike()
            if like is not None:
                state.put_likeness(asked.t0, t1, like)
    except BaseException as error:
        state.off("after", error)


def likeness(state, path, query, headers, body, status, answered, answer):
    """What a whole request and its whole answer hash to; None if the bytes of either are not at hand.

    ``headers``, ``answered``: the headers of the request and of its answer, as pairs of bytes or of texts.
    """
    if not isinstance(answer, (bytes, bytearray, memoryview)) or not isinstance(body, (bytes, bytearray)):
        return None
    like = Likeness(state.key)
    like.ask(body)
    scope = {"path": path, "query_string": query.encode("utf-8", "replace"), "headers": _lowered(headers)}
    like.begin(scope, {"status": status, "headers": _lowered(answered)})
    like.answer(answer)
    return like


def _lowered(headers):
    """Their names in small letters, as pairs of bytes."""
    names = (name if isinstance(name, bytes) else name.encode("latin-1", "replace") for name, _ in headers)
    return [(name.lower(), b"") for name in names]
