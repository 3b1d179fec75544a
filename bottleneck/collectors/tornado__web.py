"""``tornado.web``: requests of Tornado's applications, by the pattern of their route.

A websocket is a connection and no request; a ``FallbackHandler`` hands requests on to a WSGI application.
"""

import sys
from functools import partial

from .support.coroutines import enter, leave, likeness
from .support.hooking import hook
from .support.server import ServerCollector

_MOST_HANDLERS = 1024


class Collector(ServerCollector):
    id = "tornado"
    module = "tornado.web"
    waits = True

    def hook_server(self, module):
        sent, patterns = {}, {}

        def executing(original):
            async def _execute(handler, *more, **named):
                asked = None
                state = self.begun() if self.on and not _hands_on(module, handler) else None
                if state is not None:
                    sock, where = _ends(handler)
                    asked = enter(state, sock, where, self.id)
                if asked is None:
                    return await original(handler, *more, **named)
                answer = sent[id(handler)] = _Answer()
                try:
                    return await original(handler, *more, **named)
                finally:
                    sent.pop(id(handler), None)
                    leave(state, asked, partial(_told, state, handler, answer, patterns))

            return _execute

        def flushing(original):
            def flush(handler, *more, **named):
                answer = sent.get(id(handler))
                if answer is not None:
                    self.state.guard(partial(answer.take, handler), "flush")
                return original(handler, *more, **named)

            return flush

        hook(self, module.RequestHandler, "_execute", executing, by_name=False)
        hook(self, module.RequestHandler, "flush", flushing)


class _Answer:
    """What was sent so far. ``parts``: of an answer that is sent at once."""

    __slots__ = ("parts", "size")

    def __init__(self):
        self.parts, self.size = None, 0

    def take(self, handler):
        self.parts = None if handler._headers_written else handler._write_buffer
        self.size += sum(map(len, handler._write_buffer))


def _hands_on(module, handler):
    sockets = sys.modules.get("tornado.websocket")
    return isinstance(
        handler, module.FallbackHandler if sockets is None else (module.FallbackHandler, sockets.WebSocketHandler)
    )


def _ends(handler):
    """(the connection's socket, the server's address); None where they are not where we know them."""
    try:
        sock = handler.request.connection.stream.socket
        return sock, sock.getsockname()
    except Exception:
        return None, None


def _told(state, handler, answer, patterns):
    """What ``leave`` wants to know."""
    request = handler.request
    template = _template(handler, patterns)
    if not handler._headers_written:
        return (request.method, request.path, template, 0), 0, None
    status, length = int(handler._status_code), handler._headers.get("Content-Length") or ""
    size = 0 if request.method == "HEAD" else int(length) if length.isdecimal() else answer.size
    alike = None if answer.parts is None else partial(_alike, state, handler, answer)
    return (request.method, request.path, template, status), 1 + size, alike


def _alike(state, handler, answer):
    request = handler.request
    streamed = getattr(handler, "_prepared_future", None) is not None  # its body was handed on as it came
    return likeness(
        state,
        request.path,
        request.query,
        request.headers.get_all(),
        None if streamed else request.body,
        handler._status_code,
        handler._headers.get_all(),
        b"".join(answer.parts),
    )


def _template(handler, patterns):
    """The pattern of a handler's route, with {} for each part that it takes out of the path; None if it has none."""
    kind, application = type(handler), handler.application
    key = kind, id(application)
    if key not in patterns and len(patterns) < _MOST_HANDLERS:
        patterns[key] = list(_patterns(application.default_router, kind))
    found = patterns.get(key) or ()
    if len(found) > 1:
        found = [each for each in found if each[0].match(handler.request.path)]
    return found[0][1] if found else None


def _patterns(router, kind):
    for rule in getattr(router, "rules", ()):
        if rule.target is kind:
            regex = getattr(rule.matcher, "regex", None)
            if regex is not None:
                path = getattr(rule.matcher, "_path", None)
                yield regex, regex.pattern if path is None else path.replace("%s", "{}")
        elif not isinstance(rule.target, type):
            yield from _patterns(rule.target, kind)
