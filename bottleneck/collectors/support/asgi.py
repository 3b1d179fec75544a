"""Records the requests of ASGI applications: a layer around the call of the application."""

from functools import partial

from ...agent.recorder import now
from .coroutines import arrive, task
from .hooking import hook
from .likeness import LEAST_NS, WITH_BODY, Likeness


def hook_application(collector, owner):
    """Record the requests of a framework's applications, which are instances of ``owner``, on any server."""
    state = collector.state

    def make(original):
        def __call__(app, scope, receive, send):
            return recording_call(state, partial(original, app), scope, receive, send)

        return __call__

    hook(collector, owner, "__call__", make)


def recording_call(state, application, scope, receive, send, sock=None, done=None):
    """The awaitable to use instead of ``application(scope, receive, send)``; the original one if not recording.

    ``sock``: the request's connection; ``done``: called after a recorded request.
    """
    kind = scope["type"]
    # An application inside another one has its scope or its task. A context variable would show in copied contexts.
    running = task()
    if not state.on or id(scope) in state.inside or running in state.inside:
        return application(scope, receive, send)
    if kind == "http":
        return _request(state, application, scope, receive, send, {id(scope), running or id(scope)}, sock, done)
    if kind == "lifespan":
        return _lifespan(state, application, scope, receive, send)
    return application(scope, receive, send)


async def _lifespan(state, application, scope, receive, send):
    state.guard(state.begin, "lifespan")
    try:
        return await application(scope, receive, send)
    finally:
        state.guard(state.end, "lifespan")


async def _request(state, application, scope, receive, send, keys, sock, done):
    try:
        in_flight, queue = arrive(state, keys, sock, scope.get("server"))
        status = t1 = size = 0
        like = None
        if scope["method"] in WITH_BODY:
            like = Likeness(state.key)
            receive = _heard(receive, like)
        t0 = now()
    except BaseException as error:
        state.in_flight -= 1
        state.off("before", error)
        return await application(scope, receive, send)

    def watched(message):
        nonlocal like, status, t1, size
        try:
            if message["type"] == "http.response.start":
                status = message["status"]
                if now() - t0 < LEAST_NS:
                    like = None
                else:
                    like = like or Likeness(state.key)
                    like.begin(scope, message)
            else:
                body = message.get("body", b"")
                if not message.get("more_body"):
                    t1 = now()  # background tasks keep running after the response
                size += len(body)
                if like is not None:
                    like.answer(body)
        except Exception:  # a malformed message: leave it to the server
            like = None
        return send(message)

    try:
        return await application(scope, receive, watched)
    finally:
        state.in_flight -= 1
        state.inside -= keys
        if state.on:
            try:
                template = getattr(scope.get("route"), "path", None) or scope.get("path_template")  # Litestar's
                name = scope["method"], scope["path"], template, status
                state.put(t0, t1 or now(), in_flight, name, queue, size + 1 if status else 0)
                if like is not None and t1:
                    state.put_likeness(t0, t1, like)
                if done is not None:
                    done()
            except BaseException as error:
                state.off("after", error)


def _heard(receive, like):
    """``receive``, with what it returns taken in."""

    async def heard():
        message = await receive()
        try:
            like.ask(message.get("body", b""))
        except Exception:
            like.drop()
        return message

    return heard
