"""``werkzeug.serving``: requests of the server that Flask starts, and of ``make_server`` and ``run_simple``.

What their handlers send is seen by the collector of ``http.server``, on which they rest.
"""

import sys

from ..agent.unpatched import get_ident
from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import enter, leave
from .support.wsgi_likeness import answers_with_head, asks, sending

_HEAD = "head"  # is what the server sends next, once the status is known


class Collector(ServerCollector):
    id = "werkzeug"
    module = "werkzeug.serving"

    def hook_server(self, module):
        state = self.state

        def running(original):
            def run_wsgi(handler):
                key = id(handler)
                request = enter(state, key, handler.__dict__.get("connection"))
                if request is None:
                    return original(handler)
                try:
                    return original(handler)
                finally:
                    seen = handler.__dict__
                    request.environ = seen.get("environ")
                    path = seen.get("path")
                    leave(state, key, request, seen.get("command"), path and path.partition("?")[0], like=request.like)

            return run_wsgi

        def environing(original):
            def make_environ(handler):
                environ = original(handler)
                request = state.open.get(id(handler))
                if request is not None:
                    request.sender = _HEAD
                    state.guard(lambda: asks(state, request, environ), "make_environ")
                return environ

            return make_environ

        def writing(original):
            sends = sending(state, original)

            def write(writer, part):
                request = state.threads.get(get_ident())
                if request is None or request.sender is not _HEAD or not request.status:
                    return sends(writer, part)
                request.sender = writer
                state.guard(lambda: answers_with_head(state, request, part), "write")
                return original(writer, part)

            return write

        hook(self, module.WSGIRequestHandler, "run_wsgi", running)
        hook(self, module.WSGIRequestHandler, "make_environ", environing)
        hook(self, sys.modules["socketserver"]._SocketWriter, "write", writing)
