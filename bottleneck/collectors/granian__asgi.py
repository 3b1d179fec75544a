"""``granian.asgi``: requests of ASGI applications on granian, in its worker processes.

Its queue is in Rust, where we do not see it.
"""

from .support.asgi import recording_call
from .support.hooking import hook
from .support.server import ServerCollector


class Collector(ServerCollector):
    id = "granian-asgi"
    module = "granian.asgi"

    def hook_server(self, module):
        state = self.state

        def make(original):
            def _callback_wrapper(callback, *more, **named):
                async def recorded(scope, receive, send):
                    return await recording_call(state, callback, scope, receive, send)

                return original(recorded, *more, **named)

            return _callback_wrapper

        hook(self, module, "_callback_wrapper", make, by_name=False)
