"""``starlette.applications``: requests of Starlette and FastAPI applications on any server."""

from functools import partial

from .support.asgi import recording_call
from .support.hooking import hook
from .support.server import ServerCollector


class Collector(ServerCollector):
    id = "starlette"
    module = "starlette.applications"

    def hook_server(self, module):
        state = self.state

        def make(original):
            def __call__(app, scope, receive, send):
                return recording_call(state, partial(original, app), scope, receive, send)

            return __call__

        hook(self, module.Starlette, "__call__", make)
