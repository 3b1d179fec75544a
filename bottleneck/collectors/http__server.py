"""``http.server``: requests of the standard library's servers.

A request begins when its first line and its headers have been read, since a connection may stay open without one. The
handlers of wsgiref and werkzeug derive from this one, and have collectors of their own.
"""

from functools import partial

from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import enter, leave

_OTHERS = ("wsgiref.simple_server", "werkzeug.serving")
_LENGTH = ("Content-Length", "Content-length", "content-length")


class Collector(ServerCollector):
    id = "http.server"
    module = "http.server"
    waits = True

    def hook_server(self, module):
        handlers = module.BaseHTTPRequestHandler
        reading = set()  # ids of the handlers that are in ``handle_one_request``
        hook(self, handlers, "handle_one_request", partial(self._handling, reading))
        hook(self, handlers, "parse_request", partial(self._parsing, reading))
        hook(self, handlers, "send_response_only", self._sending)
        hook(self, handlers, "send_header", self._heading)

    def _handling(self, reading, original):
        def handle_one_request(handler):
            if not self.on or any(base.__module__ in _OTHERS for base in type(handler).__mro__):
                return original(handler)
            key = id(handler)
            reading.add(key)
            try:
                return original(handler)
            finally:
                reading.discard(key)
                request = self._open(handler)
                if request is not None:
                    _leave(self.state, key, request, handler.__dict__)

        return handle_one_request

    def _parsing(self, reading, original):
        def parse_request(handler):
            whole = original(handler)
            if whole and id(handler) in reading and self.begun() is not None:
                enter(self.state, id(handler), handler.__dict__.get("connection"), "http.server")
            return whole

        return parse_request

    def _sending(self, original):
        def send_response_only(handler, code, *more, **named):
            request = self._open(handler)
            if request is not None and isinstance(code, int):
                request.status = int(code)
            return original(handler, code, *more, **named)

        return send_response_only

    def _heading(self, original):
        def send_header(handler, keyword, value):
            request = self._open(handler)
            if request is not None and keyword in _LENGTH:
                request.response = value
            return original(handler, keyword, value)

        return send_header

    def _open(self, handler):
        """The request that a handler answers, of werkzeug's too; None if there is none."""
        state = self.recorder.serving
        return None if state is None else state.open.get(id(handler))


def _leave(state, key, request, seen):
    """End the request of a handler whose variables are ``seen``; the size of its answer is the one that it declares."""
    method, path, length = seen.get("command"), seen.get("path"), str(request.response)
    size = 0 if not length.isdecimal() else 1 if method == "HEAD" else 1 + int(length)
    leave(state, key, request, method, path and path.partition("?")[0], size)
