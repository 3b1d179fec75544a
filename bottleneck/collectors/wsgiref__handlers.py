"""``wsgiref.handlers``: requests of ``wsgiref.simple_server``, which Django's ``runserver`` uses, too."""

from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import enter, leave
from .support.wsgi_likeness import answers, asks, sending


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
                    leave(state, key, request, environ.get("REQUEST_METHOD"), path, size, request.like)

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

        def environing(original):
            def setup_environ(handler):
                original(handler)
                request = state.open.get(id(handler))
                if request is not None:
                    request.sender = handler
                    state.guard(lambda: asks(state, request, handler.environ), "setup_environ")

            return setup_environ

        def starting(original):
            def start_response(handler, status, headers, exc_info=None):
                write = original(handler, status, headers, exc_info)
                request = state.open.get(id(handler))
                if request is not None:
                    request.status = int(status[:3]) if status[:3].isdigit() else 0
                    state.guard(lambda: answers(state, request, headers), "start_response")
                return write

            return start_response

        hook(self, module.BaseHandler, "run", running)
        hook(self, module.BaseHandler, "setup_environ", environing)
        hook(self, module.BaseHandler, "start_response", starting)
        hook(self, module.BaseHandler, "write", lambda original: sending(state, original))
        hook(self, module.BaseHandler, "close", closing)
