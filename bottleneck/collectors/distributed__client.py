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

    def _send(self, original):
        def before(args, kwargs):
            if self.graphs.cluster is not None:
                keys = argument(args, kwargs, 2, "keys")
                if isinstance(keys, (list, tuple, set)):  # never an iterator, which is the client's to read
                    self.graphs.cluster.send(keys)

        return guard(self, original, before, lambda *args: None)
