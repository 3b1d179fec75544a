"""Records the requests of ASGI applications: a layer around the call of the application."""

import sys

from ...agent.recorder import now
from .served import address, waited


def recording_call(state, application, scope, receive, send, sock=None):
    """The awaitable to use instead of ``application(scope, receive, send)``; the original one if not recording."""
    kind = scope["type"]
    # An application inside another one has its scope or its task. A context variable would show in copied contexts.
    task = _task()
    if not state.on or id(scope) in state.inside or task in state.inside:
        return application(scope, receive, send)
    if kind == "http":
        return _request(state, application, scope, receive, send, {id(scope), task or id(scope)}, sock)
    if kind == "lifespan":
        return _lifespan(state, application, scope, receive, send)
    return application(scope, receive, send)


def _task():
    """A number for the running task of asyncio; 0 without one."""
    module = sys.modules.get("asyncio.tasks")
    try:
        task = None if module is None else module.current_task()
    except RuntimeError:  # no loop of asyncio runs: the server has another one
        return 0
    return 0 if task is None else id(task)


async def _lifespan(state, application, scope, receive, send):
    state.guard(state.begin, "lifespan")
    try:
        return await application(scope, receive, send)
    finally:
        state.guard(state.end, "lifespan")


async def _request(state, application, scope, receive, send, keys, sock):
    try:
        in_flight = state.in_flight = state.in_flight + 1
        state.arrivals += 1
        if not state.beating or state.loop.is_closed():
            state.begin()
        state.inside |= keys
        status = t1 = size = 0
        if not state.addressed:
            state.tell_address(address(scope.get("server")))
        queue = 0 if sock is None else waited(sock)
        t0 = now()
    except BaseException as error:
        state.in_flight -= 1
        state.off("before", error)
        return await application(scope, receive, send)

    def watched(message):
        nonlocal status, t1, size
        try:
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                if not message.get("more_body"):
                    t1 = now()  # background tasks keep running after the response
                size += len(message.get("body", b""))
        except Exception:  # a malformed message: leave it to the server
            pass
        return send(message)

    try:
        return await application(scope, receive, watched)
    finally:
        state.in_flight -= 1
        state.inside -= keys
        if state.on:
            try:
                template = getattr(scope.get("route"), "path", None)
                name = scope["method"], scope["path"], template, status
                state.put(t0, t1 or now(), in_flight, name, queue, size + 1 if status else 0)
            except BaseException as error:
                state.off("after", error)
