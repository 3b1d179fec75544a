"""``http.server``: requests of the standard library's servers.

A request begins when its first line and its headers have been read, since a connection may stay open without one. The
handlers of wsgiref and werkzeug derive from this one, and have collectors of their own.
"""

from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import enter, leave

_OTHERS = ("wsgiref.simple_server", "werkzeug.serving")


class Collector(ServerCollector):
    id = "http.server"
    module = "http.server"

    def hook_server(self, module):
        state, reading = self.state, set()

        def handling(original):
            def handle_one_request(handler):
                if not state.on or any(base.__module__ in _OTHERS for base in type(handler).__mro__):
                    return original(handler)
                key = id(handler)
                reading.add(key)
                try:
                    return original(handler)
                finally:
                    reading.discard(key)
                    request = state.open.get(key)
                    if request is not None:
                        _leave(state, key, request, handler.__dict__)

            return handle_one_request

        def parsing(original):
            def parse_request(handler):
                whole = original(handler)
                if whole and id(handler) in reading:
                    enter(state, id(handler), handler.__dict__.get("connection"))
                return whole

            return parse_request

        def sending(original):
            def send_response_only(handler, code, *more, **named):
                request = state.open.get(id(handler))
                if request is not None and isinstance(code, int):
                    request.status = int(code)
                return original(handler, code, *more, **named)

            return send_response_only

        def heading(original):
            def send_header(handler, keyword, value):
                request = state.open.get(id(handler))
                if request is not None and keyword in ("Content-Length", "Content-length", "content-length"):
                    request.response = value
                return original(handler, keyword, value)

            return send_header

        hook(self, module.BaseHTTPRequestHandler, "handle_one_request", handling)
        hook(self, module.BaseHTTPRequestHandler, "parse_request", parsing)
        hook(self, module.BaseHTTPRequestHandler, "send_response_only", sending)
        hook(self, module.BaseHTTPRequestHandler, "send_header", heading)


def _leave(state, key, request, seen):
    """End the request of a handler whose variables are ``seen``; the size of its answer is the one that it declares."""
    method, path, size = seen.get("command"), seen.get("path"), str(request.response)
    size = 0 if not size.isdecimal() else 1 if method == "HEAD" else 1 + int(size)
    leave(state, key, request, method, path and path.partition("?")[0], size)
