"""``starlette.applications``: requests of Starlette and FastAPI applications on any server."""

from .support.asgi import hook_application
from .support.server import ServerCollector


class Collector(ServerCollector):
    id = "starlette"
    module = "starlette.applications"

    def hook_server(self, module):
        hook_application(self, module.Starlette)
