"""``granian.wsgi``: requests of WSGI applications on granian, in its worker processes."""

from .support.hooking import hook
from .support.server import ServerCollector
from .support.wsgi import recording_call


class Collector(ServerCollector):
    id = "granian-wsgi"
    module = "granian.wsgi"

    def hook_server(self, module):
        state = self.state

        def make(original):
            def _callback_wrapper(callback, *more, **named):
                def recorded(environ, start_response):
                    return recording_call(state, callback, environ, start_response)

                return original(recorded, *more, **named)

            return _callback_wrapper

        hook(self, module, "_callback_wrapper", make, by_name=False)
