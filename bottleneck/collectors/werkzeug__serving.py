"""``werkzeug.serving``: requests of the server that Flask starts, and of ``make_server`` and ``run_simple``.

What their handlers send is seen by the collector of ``http.server``, on which they rest.
"""

from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import enter, leave


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
                    leave(state, key, request, seen.get("command"), path and path.partition("?")[0])

            return run_wsgi

        hook(self, module.WSGIRequestHandler, "run_wsgi", running)
