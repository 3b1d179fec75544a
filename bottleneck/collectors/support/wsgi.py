"""Records requests of servers that run each request in a thread or a greenlet."""

from __future__ import annotations

import sys
from functools import partial

from ...agent.recorder import now
from ...agent.unpatched import get_ident
from .served import address_of
from .wsgi_likeness import answers, asks

TYPE_CHECKING = False
if TYPE_CHECKING:  # the import of typing takes time
    from typing import Any

_SWITCHING = 101  # the status of a connection that becomes a websocket


class Request:
    """A request that is being served. ``environ``, ``response``: once the server has made them; ``template``: of its
    route, once the framework has found it; ``like``: what it and its answer hash to, if that may be kept; ``sender``:
    the server's object that sends the answer; ``unmet``: its socket shall be asked how long it waited."""

    __slots__ = (
        "environ", "in_flight", "like", "queue", "response", "sender", "status", "t0", "template", "thread", "unmet",
    )  # fmt: skip
    environ: Any
    in_flight: int
    like: Any
    queue: int
    response: Any
    sender: Any
    status: int
    t0: int
    template: Any
    thread: int
    unmet: bool

    def met(self, state, sock, server=""):
        """Learn from the socket of a request that is ``unmet`` how long it waited, and where the server listens."""
        self.unmet = False
        self.queue = state.ask(sock, self.t0)
        if not state.addressed:
            state.tell_address(address_of(sock), server)


def enter(state, key, sock, server=""):
    """Begin a request; ``key``: the id of an object that lives as long as it. None if it cannot be recorded.

    ``server``: as ``Serving.tell_address`` takes it.
    """
    try:
        if not state.on:
            return None
        request = Request()
        request.environ = request.like = request.response = request.sender = request.template = None
        request.status = request.queue = 0
        request.thread = thread = get_ident()
        state.arrivals = arrivals = state.arrivals + 1
        request.unmet = not arrivals & state.spared
        state.open[key] = state.threads[thread] = request
        request.in_flight = state.in_flight = len(state.open)
        request.t0 = now()
        if sock is not None and request.unmet:
            request.met(state, sock, server)
        if "torch" in sys.modules:
            state.watch_models()
        return request
    except BaseException as error:
        state.off("before", error)
        return None


def leave(state, key, request, method, path, size=0, like=None):
    """End a request; ``size``: 1 + bytes of the answer, 0 unknown; ``like``: what it and its answer hash to."""
    try:
        t1 = now()
        state.open.pop(key, None)
        if state.threads.get(request.thread) is request:  # another greenlet's otherwise
            del state.threads[request.thread]
        if request.environ is not None:
            state.environs.pop(id(request.environ), None)
        state.in_flight = len(state.open)
        if state.on and request.status != _SWITCHING:
            template = request.template
            name = method or "", None if template else path or "", template, request.status
            state.put(request.t0, t1, request.in_flight, name, request.queue, size)
            if like is not None:
                state.put_likeness(request.t0, t1, like)
    except BaseException as error:
        state.off("after", error)


def of_environ(state, environ):
    """The request that is being served with this environment; None if it is not recorded."""
    return state.environs.get(id(environ)) or state.threads.get(get_ident())


def recording_call(state, application, environ, start_response, whole=True):
    """Call a WSGI application and record the request, unless its server's collector does.

    A list, a tuple and a ``wsgi.file_wrapper`` are returned as they are, since servers treat them specially. Any other
    iterable is recorded until it is closed; with ``whole`` false, only until the application returns.
    """
    key = id(environ)
    try:
        request = None if not state.on or of_environ(state, environ) is not None else enter(state, key, None)
        if request is not None:
            request.environ = environ
            state.environs[key] = request
            if whole:
                asks(state, request, environ)
    except BaseException as error:
        state.off("before", error)
        request = None
    if request is None:
        return application(environ, start_response)

    def started(status, *more, **named):
        code = status[:3] if isinstance(status, str) else ""
        request.status = int(code) if code.isdigit() else 0
        write = start_response(status, *more, **named)
        if whole:
            state.guard(partial(answers, state, request, *more[:1], **named), "start_response")
        return write

    def end():
        path = (environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or "")
        leave(state, key, request, environ.get("REQUEST_METHOD"), path, like=request.like)

    try:
        answer = application(environ, started)
    except BaseException:
        request.like = None
        end()
        raise
    if isinstance(answer, (list, tuple)):
        state.guard(lambda: _take(request, answer), "answer")
    elif not whole or isinstance(answer, _wrapper(environ)):
        request.like = None  # nobody sees what is sent
    else:
        return _Answer(answer, end, state, request)
    end()
    return answer


def _take(request, parts):
    for part in parts if request.like is not None else ():
        request.like.answer(part)


def _wrapper(environ):
    found = environ.get("wsgi.file_wrapper")
    return (found,) if isinstance(found, type) else ()


class _Answer:
    """An iterable answer whose parts and end are noticed."""

    def __init__(self, answer, end, state, request):
        self._answer, self._end = answer, end
        self._state, self._request = state, request
        self._whole = False

    def __iter__(self):
        request = self._request
        if request.like is None and request.status:  # nothing is to be taken in
            return iter(self._answer)
        return self._taken()

    def _taken(self):
        request = self._request
        for part in self._answer:
            if request.like is not None:
                self._state.guard(partial(request.like.answer, part), "answer")
            yield part
        self._whole = True

    def __getattr__(self, name):
        return getattr(self._answer, name)

    def close(self):
        try:
            close = getattr(self._answer, "close", None)
            if close is not None:
                close()
        finally:
            end, self._end = self._end, None
            if not self._whole:
                self._request.like = None
            if end is not None:
                end()
