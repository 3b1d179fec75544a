"""``starlette.applications``: requests of Starlette and FastAPI applications on any server."""

from . import BaseCollector, dress
from .support.serving import recording_call, serving


class Collector(BaseCollector):
    id = "starlette"
    module = "starlette.applications"

    def __init__(self):
        super().__init__()
        self.state = None

    def hook(self, module):
        self.state = state = serving(self.recorder)
        original = module.Starlette.__call__

        # It must be a coroutine function too: servers detect the protocol version from that.
        async def __call__(app, scope, receive, send):
            def application(scope, receive, send):
                return original(app, scope, receive, send)

            return await recording_call(state, application, scope, receive, send)

        self.patches.replace(module.Starlette, "__call__", dress(__call__, original))

    def detach(self):
        super().detach()
        if self.state is not None:
            self.state.release()
            self.state = None
