"""``distributed.scheduler``: graphs and tasks of a scheduler that runs in this process, as a LocalCluster's does."""

from . import BaseCollector
from .support.dask_cluster import NAME, Cluster, plugin_of
from .support.hooking import guard, hook


class Collector(BaseCollector):
    id = "distributed"
    module = "distributed.scheduler"

    def hook(self, module):
        self.cluster = Cluster(self)
        hook(self, module.Scheduler, "__init__", self._made)

    def _made(self, original):
        def before(args, kwargs):
            return args[0]

        def after(scheduler, result, failed):
            if not failed:
                scheduler.add_plugin(plugin_of(self.cluster, scheduler), name=NAME)

        return guard(self, original, before, after)
