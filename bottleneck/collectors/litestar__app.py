"""``litestar.app``: requests of Litestar applications on servers that no other collector knows."""

from .support.asgi import hook_application
from .support.server import ServerCollector


class Collector(ServerCollector):
    id = "litestar"
    module = "litestar.app"

    def hook_server(self, module):
        hook_application(self, module.Litestar)
