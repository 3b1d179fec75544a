"""``flask.app``: the routes of Flask's requests, and its requests on WSGI servers that no other collector knows."""

import sys
from functools import partial

from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import of_environ, recording_call


class Collector(ServerCollector):
    id = "flask"
    module = "flask.app"

    def hook_server(self, module):
        state = self.state

        def make(original):
            def wsgi_app(app, environ, start_response):
                if not state.on or id(environ) in state.environs:
                    return original(app, environ, start_response)
                return recording_call(state, partial(original, app), environ, start_response, whole=False)

            return wsgi_app

        def routed(original):
            def full_dispatch_request(*args, **named):
                if self.on and state.open:
                    state.guard(self._tell_route, "route")
                return original(*args, **named)

            return full_dispatch_request

        hook(self, module.Flask, "wsgi_app", make)
        hook(self, module.Flask, "full_dispatch_request", routed)

    def _tell_route(self):
        asked = sys.modules["flask.globals"].request._get_current_object()
        rule, request = asked.url_rule, of_environ(self.state, asked.environ)
        if rule is not None and request is not None:
            request.template = rule.rule
