"""``werkzeug.serving``: requests of the server that Flask starts, and of ``make_server`` and ``run_simple``.

What their handlers send is seen by the collector of ``http.server``, on which they rest.
"""

import sys

from ..agent.unpatched import get_ident
from . import dress
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
                request = enter(state, key, getattr(handler, "connection", None))  # not of its dictionary (see uvicorn)
                if request is None:
                    return original(handler)
                try:
                    return original(handler)
                finally:
                    request.environ = getattr(handler, "environ", None)
                    method, path = getattr(handler, "command", None), getattr(handler, "path", None) or ""
                    leave(state, key, request, method, path.partition("?")[0], like=request.like)

            return dress(run_wsgi, original)

        def environing(original):
            def make_environ(handler):
                environ = original(handler)
                request = state.open.get(id(handler))
                if request is not None:
                    request.sender = _HEAD
                    state.guard(lambda: asks(state, request, environ), "make_environ")
                return environ

            return dress(make_environ, original)

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

        handler = module.WSGIRequestHandler
        self.patches.replace(handler, "run_wsgi", running(handler.run_wsgi))
        self.patches.replace(handler, "make_environ", environing(handler.make_environ))
        hook(self, sys.modules["socketserver"]._SocketWriter, "write", writing)
