"""``hypercorn.app_wrappers``: requests of every application on hypercorn, ASGI or WSGI.

Its class for each of them calls the application: in the event loop, or in a thread. Under trio, requests are recorded,
but the event loop is not watched.
"""

from .support import asgi, wsgi
from .support.hooking import hook
from .support.server import ServerCollector


class Collector(ServerCollector):
    id = "hypercorn"
    module = "hypercorn.app_wrappers"

    def hook_server(self, module):
        state = self.state

        def calling(original):
            async def __call__(wrapper, scope, receive, send, *more, **named):
                def application(scope, receive, send):
                    return original(wrapper, scope, receive, send, *more, **named)

                return await asgi.recording_call(state, application, scope, receive, send)

            return __call__

        def running(original):
            def run_app(wrapper, environ, send):
                return _run(state, original, wrapper, environ, send)

            return run_app

        hook(self, module.ASGIWrapper, "__call__", calling, by_name=False)
        hook(self, module.WSGIWrapper, "run_app", running, by_name=False)


def _run(state, original, wrapper, environ, send):
    request = wsgi.enter(state, id(environ), None)
    if request is None:
        return original(wrapper, environ, send)
    request.environ = environ
    state.environs[id(environ)] = request
    size = 0

    def sent(message):
        nonlocal size
        try:
            if message["type"] == "http.response.start":
                request.status = message["status"]
            else:
                size += len(message.get("body", b""))
        except Exception:
            pass
        return send(message)

    try:
        return original(wrapper, environ, sent)
    finally:
        path = (environ.get("SCRIPT_NAME") or "") + (environ.get("PATH_INFO") or "")
        wsgi.leave(state, id(environ), request, environ.get("REQUEST_METHOD"), path, size + 1 if request.status else 0)
