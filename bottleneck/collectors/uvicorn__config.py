"""``uvicorn.config``: requests of any ASGI application, and when its server starts and stops.

The application stays the object that uvicorn has loaded. We hook the method that runs it for one request and
the two that start and end its lifespan; uvicorn imports their classes when it loads a configuration.
"""

import sys
from functools import partial

from .support.asgi import recording_call
from .support.hooking import hook
from .support.server import ServerCollector

_PROTOCOLS = "uvicorn.protocols.http."


class Collector(ServerCollector):
    id = "uvicorn"
    module = "uvicorn.config"

    def __init__(self):
        super().__init__()
        self._hooked = set()

    def hook_server(self, module):
        hook(self, module.Config, "load", partial(self.wrap, before=lambda args, kwargs: args[0], after=self._loaded))

    def _loaded(self, config, result, failed):
        for name, module in list(sys.modules.items()):
            cycle = getattr(module, "RequestResponseCycle", None) if name.startswith(_PROTOCOLS) else None
            if cycle is not None:
                self._once(cycle, "run_asgi", self._run)
        lifespan = getattr(config, "lifespan_class", None)
        if lifespan is not None:
            self._once(lifespan, "startup", partial(self._tells, "begin"))
            self._once(lifespan, "shutdown", partial(self._tells, "end"))

    def _once(self, owner, name, make):
        if (owner, name) not in self._hooked:
            self._hooked.add((owner, name))
            hook(self, owner, name, make)

    def _run(self, original):
        state = self.state

        def run_asgi(cycle, app):
            fields = getattr(cycle, "__dict__", None)
            if fields is None or "scope" not in fields:  # another version's, which we do not know
                return original(cycle, app)
            plain = cycle.send

            def application(scope, receive, send):
                if send is not plain:
                    fields["receive"], fields["send"] = receive, send  # what the original passes to the application
                return original(cycle, app)

            def done():
                fields.pop("receive", None)
                fields.pop("send", None)

            return recording_call(state, application, cycle.scope, cycle.receive, plain, _socket(fields), done)

        return run_asgi

    def _tells(self, name, original):
        state = self.state

        async def told(lifespan):
            if name == "begin" and state.on:
                state.guard(state.begin, "lifespan")
            try:
                return await original(lifespan)
            finally:
                if name == "end":
                    state.guard(state.end, "lifespan")

        return told


def _socket(fields):
    """The socket of a request's connection; None if it is not where we know it."""
    try:
        return fields["transport"].get_extra_info("socket")
    except Exception:
        return None
