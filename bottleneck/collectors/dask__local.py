"""``dask.local``: tasks of Dask's own schedulers, which run in threads of this process or in the calling one."""

from . import BaseCollector
from .support.dask_graphs import of
from .support.hooking import guard, hook, like
from .support.reads import argument


class Collector(BaseCollector):
    id = "dask.local"
    module = "dask.local"

    def hook(self, module):
        self.graphs = of(self.recorder)
        hook(self, module, "get_async", self._graph)
        hook(self, module, "start_state_from_dask", self._state)
        hook(self, module, "execute_task", self._task, by_name=False)

    def _graph(self, original):
        def before(args, kwargs):
            dumps = argument(args, kwargs, 10, "dumps")
            elsewhere = dumps is not None and getattr(dumps, "__name__", "") != "identity"  # in other processes
            return self.graphs.begin(argument(args, kwargs, 1, "num_workers") or 1, elsewhere)

        def after(graph, result, failed):
            self.graphs.end(graph)

        return guard(self, original, before, after)

    def _state(self, original):
        """The graph has been taken apart, and its tasks begin."""
        graphs = self.graphs

        def before(args, kwargs):
            return graphs.opened_here()

        def after(graph, state, failed):
            if not failed:
                graphs.starts(graph, state["dependencies"])

        return guard(self, original, before, after)

    def _task(self, original):
        graphs = self.graphs

        def hooked(*args):
            if not self.on:
                return original(*args)
            token = graphs.running_task(self, args[0])
            try:
                return original(*args)
            finally:
                if token is not None:
                    graphs.ran(self, args[0], token)

        return like(hooked, original)
