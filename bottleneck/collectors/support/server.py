"""What the collectors of requests have in common: the serving state of the process, as long as they are attached."""

from .. import BaseCollector
from .serving import serving


class ServerCollector(BaseCollector):
    """``hook_server(module)`` hooks a server or a framework, with ``self.state`` to record requests in.

    ``waits``: many programs import the module and serve nothing with it, so that there is no state before ``begun``.
    """

    waits = False

    def __init__(self):
        super().__init__()
        self.state = None

    def hook(self, module):
        if not self.waits:
            self.state = serving(self.recorder)
        self.hook_server(module)

    def begun(self):
        """The serving state, which is there from now on; None if it cannot be made."""
        try:
            if self.state is None:
                self.state = serving(self.recorder)
        except BaseException as error:
            self.off("serving", error)
        return self.state

    def hook_server(self, module):
        raise NotImplementedError

    def detach(self):
        super().detach()
        if self.state is not None:
            self.state.release()
            self.state = None
