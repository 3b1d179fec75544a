"""What the collectors of requests have in common: the serving state of the process, as long as they are attached."""

from .. import BaseCollector
from .serving import serving


class ServerCollector(BaseCollector):
    """``hook_server(module)`` hooks a server or a framework, with ``self.state`` to record requests in."""

    def __init__(self):
        super().__init__()
        self.state = None

    def hook(self, module):
        self.state = serving(self.recorder)
        self.hook_server(module)

    def hook_server(self, module):
        raise NotImplementedError

    def detach(self):
        super().detach()
        if self.state is not None:
            self.state.release()
            self.state = None
