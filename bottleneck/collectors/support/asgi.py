"""Records the requests of ASGI applications: a layer around the call of the application.

A served request runs few instructions of ours and touches few objects, because a real server has run through so much
else since the last one that all of them are out of the processor's caches.
"""

from __future__ import annotations

import sys
from functools import partial

from ...agent.recorder import now
from .coroutines import task
from .hooking import hook
from .likeness import LEAST_NS, WITH_BODY, Likeness
from .served import address

TYPE_CHECKING = False
if TYPE_CHECKING:  # the import of typing takes time
    from typing import Any

_around = {}


def hook_application(collector, owner):
    """Record the requests of a framework's applications, which are instances of ``owner``, on any server."""
    state = collector.state

    def make(original):
        def __call__(app, scope, receive, send):
            if not state.on or id(scope) in state.inside:
                return original(app, scope, receive, send)
            return recording_call(state, partial(original, app), scope, receive, send)

        return __call__

    hook(collector, owner, "__call__", make)


def recording_call(state, application, scope, receive, send):
    """The awaitable to use instead of ``application(scope, receive, send)``; the original one if not recording."""
    kind = scope["type"]
    if state.on and kind == "http" and not (state.inside and _is_inside(state, scope)):
        return _request(state, application, scope, receive, send)
    if state.on and kind == "lifespan":
        return _lifespan(state, application, scope, receive, send)
    return application(scope, receive, send)


def _is_inside(state, scope):
    """Whether a recorded request has called the caller: one application calls another, with its scope or a new one.

    A context variable would say so, too, but the program would see it in the contexts that it copies.
    """
    if id(scope) in state.inside or task() in state.inside:
        return True
    frame = sys._getframe(2)
    while frame is not None and id(frame.f_code) not in _around:
        frame = frame.f_back
    return frame is not None


def around(function):
    """``function``, in whose frames requests run."""
    _around[id(function.__code__)] = function.__code__  # which keeps the code, and with it its id
    return function


async def _lifespan(state, application, scope, receive, send):
    state.guard(state.begin, "lifespan")
    try:
        return await application(scope, receive, send)
    finally:
        state.guard(state.end, "lifespan")


async def _request(state, application, scope, receive, send):
    answer = arrives(state, scope, send)
    if answer is None:
        return await application(scope, receive, send)
    if scope["method"] in WITH_BODY:
        receive = answer.heard(receive)
    try:
        return await application(scope, receive, answer.watch)
    finally:
        leaves(answer)


around(_request)


class Answer:
    """A request and what has been sent for it. ``body``: of a request of uvicorn's that was there at once."""

    __slots__ = ("body", "in_flight", "like", "queue", "scope", "send", "size", "state", "status", "t0", "t1")
    body: Any
    in_flight: int
    like: Any
    queue: int
    scope: Any
    send: Any
    size: int
    state: Any
    status: int
    t0: int
    t1: int

    def has_read(self):
        """Whether the application has read the body: uvicorn has then put another one in its place."""
        return self.send.__self__.body is not self.body

    def watch(self, message):
        """``send``, with what it sends noted."""
        try:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                if now() - self.t0 >= LEAST_NS:
                    self._compare(message)
                elif self.like is not None:
                    self.like = None
            else:
                self.size += len(message.get("body", b""))
                if not message.get("more_body"):
                    self.t1 = now()  # background tasks keep running after the response
                if self.like is not None:
                    self.like.answer(message.get("body", b""))
        except Exception:  # a malformed message: leave it to the server
            self.like = None
        return self.send(message)

    def heard(self, receive):
        """``receive``, with what it returns taken in."""
        like = self.like = Likeness(self.state.key)

        async def heard():
            message = await receive()
            try:
                like.ask(message.get("body", b""))
            except Exception:
                like.drop()
            return message

        return heard

    def _compare(self, message):
        like = self.like = self.like or Likeness(self.state.key)
        if self.body and self.has_read():
            like.ask(self.body)
            self.body = None
        like.begin(self.scope, message)


def arrives(state, scope, send):
    """Begin a request; None if it cannot be recorded."""
    try:
        answer = Answer()
        answer.state, answer.scope, answer.send = state, scope, send
        answer.status = answer.size = answer.queue = answer.t1 = 0
        answer.body = answer.like = None
        state.arrivals += 1
        if not state.addressed:
            state.tell_address(address(scope.get("server")))
        t0 = answer.t0 = now()
        if t0 > state.due:  # it is not beating, or late, maybe because its loop is closed
            state.revive()
        state.inside.add(id(scope))
        answer.in_flight = state.in_flight = state.in_flight + 1
        return answer
    except BaseException as error:
        state.off("before", error)
        return None


def leaves(answer):
    """End a request."""
    state, scope = answer.state, answer.scope
    state.in_flight -= 1
    state.inside.discard(id(scope))
    if state.on:
        try:
            template = getattr(scope.get("route"), "path", None) or scope.get("path_template")  # Litestar's
            status, t0, t1 = answer.status, answer.t0, answer.t1
            name = scope["method"], None if template else scope["path"], template or None, status
            state.put(t0, t1 or now(), answer.in_flight, name, answer.queue, answer.size + 1 if status else 0)
            if answer.like is not None and t1 and not (answer.body and answer.has_read()):  # after the answer began
                state.put_likeness(t0, t1, answer.like)
        except BaseException as error:
            state.off("after", error)
