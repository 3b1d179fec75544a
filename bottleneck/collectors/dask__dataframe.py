"""``dask.dataframe``: the lines that make a lazy frame, from files or from what is in memory."""

from . import BaseCollector
from .support.dask_graphs import of
from .support.hooking import guard, hook

_MAKERS = (
    "read_csv read_table read_fwf read_json read_parquet read_orc read_hdf read_sql read_sql_table read_sql_query "
    "from_pandas from_map from_delayed"
).split()


class Collector(BaseCollector):
    id = "dask.dataframe"
    module = "dask.dataframe"

    def hook(self, module):
        for name in _MAKERS:
            if hasattr(module, name):
                hook(self, module, name, lambda original, name=name: self._maker(original, name))

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
