"""``wsgiref.handlers``: requests of ``wsgiref.simple_server``, which Django's ``runserver`` uses, too."""

from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import enter, leave


class Collector(ServerCollector):
    id = "wsgiref"
    module = "wsgiref.handlers"

    def hook_server(self, module):
        state = self.state

        def running(original):
            def run(handler, application):
                key = id(handler)
                above = handler.__dict__.get("request_handler")
                request = enter(state, key, getattr(above, "connection", None))
                if request is None:
                    return original(handler, application)
                try:
                    return original(handler, application)
                finally:
                    environ = request.environ or {}
                    path = (environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or "")
                    size = 0 if request.response is None else 1 + request.response
                    leave(state, key, request, environ.get("REQUEST_METHOD"), path, size)

            return run

        def closing(original):
            def close(handler):
                request = state.open.get(id(handler))
                if request is not None:  # it forgets all of this
                    status, size = getattr(handler, "status", None), getattr(handler, "bytes_sent", None)
                    code = status[:3] if isinstance(status, str) else ""
                    request.status = int(code) if code.isdigit() else 0
                    request.environ = getattr(handler, "environ", None)
                    request.response = size if isinstance(size, int) else None
                return original(handler)

            return close

        hook(self, module.BaseHandler, "run", running)
        hook(self, module.BaseHandler, "close", closing)
