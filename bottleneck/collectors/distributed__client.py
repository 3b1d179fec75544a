"""``distributed.client``: the lines that send graphs to a cluster."""

from . import BaseCollector
from .support.dask_graphs import of
from .support.hooking import guard, hook
from .support.reads import argument


class Collector(BaseCollector):
    id = "distributed.client"
    module = "distributed.client"

    def hook(self, module):
        self.graphs = of(self.recorder)
        hook(self, module.Client, "_graph_to_futures", self._send)
        hook(self, module.Client, "_send_to_scheduler", self._message)

    def _send(self, original):
        def before(args, kwargs):
            if self.graphs.cluster is not None:
                keys = argument(args, kwargs, 2, "keys")
                if isinstance(keys, (list, tuple, set)):  # never an iterator, which is the client's to read
                    self.graphs.cluster.send(keys)

        return guard(self, original, before, lambda *args: None)

    def _message(self, original):
        def before(args, kwargs):
            message = args[1] if len(args) > 1 else None
            if self.graphs.cluster is not None and type(message) is dict and message.get("op") == "update-graph":
                self.graphs.cluster.sends(message["keys"], message["expr_ser"])

        return guard(self, original, before, lambda *args: None)
