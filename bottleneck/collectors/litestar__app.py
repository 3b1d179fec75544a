"""``litestar.app``: requests of Litestar applications on servers that no other collector knows."""

from functools import partial

from .support.asgi import recording_call
from .support.hooking import hook
from .support.server import ServerCollector


class Collector(ServerCollector):
    id = "litestar"
    module = "litestar.app"

    def hook_server(self, module):
        state = self.state

        def make(original):
            def __call__(app, scope, receive, send):
                return recording_call(state, partial(original, app), scope, receive, send)

            return __call__

        hook(self, module.Litestar, "__call__", make)
