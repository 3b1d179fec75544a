"""``dask.base``: which lines have lazy collections computed, or kept in memory."""

from . import BaseCollector
from .support.dask_graphs import of
from .support.hooking import guard, hook


class Collector(BaseCollector):
    id = "dask"
    module = "dask.base"

    def hook(self, module):
        graphs = of(self.recorder)
        for name in ("compute", "persist"):
            hook(self, module, name, lambda original, name=name: self._call(graphs, original, name))

    def _call(self, graphs, original, how):
        def before(args, kwargs):
            return graphs.call(how, args)

        def after(call, result, failed):
            graphs.called(call)

        return guard(self, original, before, after)
