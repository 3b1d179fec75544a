"""``dask.dataframe``: the lines that make a lazy frame, from files or from what is in memory, or move its rows."""

import sys

from . import BaseCollector
from .support.dask_graphs import of
from .support.hooking import guard, hook

_MAKERS = (
    "read_csv read_table read_fwf read_json read_parquet read_orc read_hdf read_sql read_sql_table read_sql_query "
    "from_pandas from_map from_delayed"
).split()
_MOVERS = ("merge", "join", "set_index", "sort_values", "shuffle")


class Collector(BaseCollector):
    id = "dask.dataframe"
    module = "dask.dataframe"

    def hook(self, module):
        for name in _MAKERS:
            if hasattr(module, name):
                hook(self, module, name, lambda original, name=name: self._maker(original, name))
        hook(self, module, "merge", self._mover)
        for name in _MOVERS:
            hook(self, module.DataFrame, name, self._mover)
        groups = sys.modules.get("dask.dataframe.dask_expr._groupby")
        if groups is not None:
            hook(self, groups.GroupBy, "apply", self._mover)

    def _maker(self, original, name):
        graphs = of(self.recorder)

        def before(args, kwargs):
            if not graphs.prepare():
                return None  # read_csv calls from_map
            return (args[0] if args else next(iter(kwargs.values()), None),)

        def after(token, result, failed):
            graphs.prepared()
            if not failed:
                graphs.note_source(result, name, *token)

        return guard(self, original, before, after)

    def _mover(self, original):
        plans = of(self.recorder).plans

        def before(args, kwargs):
            return (args[1] if len(args) > 1 else kwargs.get("func"),)

        def after(token, result, failed):
            if not failed:
                plans.note_made(result, *token)

        return guard(self, original, before, after)
