"""``uvicorn.config``: requests of any ASGI application, and when its server starts and stops.

The application stays the object that uvicorn has loaded. We hook the method that runs it for one request and
the two that start and end its lifespan; uvicorn imports their classes when it loads a configuration.
"""

import sys
from functools import partial

from . import dress
from .support.asgi import around, arrives, leaves
from .support.hooking import hook
from .support.likeness import WITH_BODY
from .support.server import ServerCollector

_PROTOCOLS = "uvicorn.protocols.http."
_USED = {"scope", "receive", "send"}  # attributes of a request, in all versions that we know


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
            code = getattr(getattr(cycle, "run_asgi", None), "__code__", None)
            if code is not None and {*code.co_names} >= _USED and (cycle, "run_asgi") not in self._hooked:
                self._hooked.add((cycle, "run_asgi"))
                self.patches.replace(cycle, "run_asgi", self._run(cycle.run_asgi))  # other code would be one more layer
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

        async def run_asgi(cycle, app):
            answer = arrives(state, cycle.scope, cycle.send) if state.on else None
            if answer is None:
                return await original(cycle, app)
            heard = False
            try:
                try:
                    if not state.arrivals & state.spared:
                        answer.queue = state.ask(_socket(cycle), answer.t0)
                    if cycle.scope["method"] in WITH_BODY:
                        heard = cycle.more_body
                        if heard:
                            cycle.receive = answer.heard(cycle.receive)
                        else:
                            answer.body = cycle.body
                    cycle.send = answer.watch  # what the application gets, and what sends the answer to an exception
                except BaseException as error:
                    state.off("before", error)
                return await original(cycle, app)
            finally:
                leaves(answer)
                try:
                    del cycle.send  # not by its dictionary: to make one slows all other attributes down
                    if heard:
                        del cycle.receive
                except AttributeError:
                    pass

        return around(dress(run_asgi, original))

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


def _socket(cycle):
    """The socket of a request's connection; None if it is not where we know it."""
    try:
        return cycle.transport.get_extra_info("socket")
    except Exception:
        return None
