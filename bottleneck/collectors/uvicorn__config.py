"""``uvicorn.config``: requests of plain ASGI applications. Starlette applications have a collector of their own."""

import sys

from . import BaseCollector
from .support.serving import recording_call, serving

_MAX_LAYERS = 32  # middlewares to search for a Starlette application


class Layer:
    """Wraps the ASGI application ``app`` and records its requests; other attributes come from ``app``."""

    def __init__(self, app, state):
        self.app = app
        self._state = state

    async def __call__(self, scope, receive, send):
        return await recording_call(self._state, self.app, scope, receive, send)

    def __getattr__(self, name):
        return getattr(self.app, name)


class Collector(BaseCollector):
    id = "uvicorn"
    module = "uvicorn.config"

    def __init__(self):
        super().__init__()
        self.state = None
        self._loaded = []

    def hook(self, module):
        self.state = serving(self.recorder)

        def after(token, result, failed):
            config = token
            app = getattr(config, "loaded_app", None)
            if not failed and app is not None and config.interface != "wsgi" and not _is_starlette(app):
                config.loaded_app = Layer(app, self.state)
                self._loaded.append((config, app, config.loaded_app))

        load = self.wrap(module.Config.load, lambda args, kwargs: args[0], after)
        self.patches.replace(module.Config, "load", load)

    def detach(self):
        super().detach()
        while self._loaded:
            config, app, layer = self._loaded.pop()
            if config.loaded_app is layer:
                config.loaded_app = app
        if self.state is not None:
            self.state.release()
            self.state = None


def _is_starlette(app):
    """Whether the ``app`` attributes of the middlewares lead to a Starlette application."""
    starlette = sys.modules.get("starlette.applications")
    for _ in range(_MAX_LAYERS if starlette is not None else 0):
        if app is None or isinstance(app, starlette.Starlette):
            return app is not None
        app = getattr(app, "__dict__", {}).get("app")
    return False
