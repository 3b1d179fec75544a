"""``starlette.applications``: requests of Starlette and FastAPI applications on any server."""

from functools import partial

from . import BaseCollector
from .support.asgi import recording_call
from .support.hooking import hook
from .support.serving import serving


class Collector(BaseCollector):
    id = "starlette"
    module = "starlette.applications"

    def __init__(self):
        super().__init__()
        self.state = None

    def hook(self, module):
        self.state = state = serving(self.recorder)

        def make(original):
            def __call__(app, scope, receive, send):
                return recording_call(state, partial(original, app), scope, receive, send)

            return __call__

        hook(self, module.Starlette, "__call__", make)

    def detach(self):
        super().detach()
        if self.state is not None:
            self.state.release()
            self.state = None
