"""``pyarrow.parquet``: tables read and written."""

from functools import partial

from .. import signals
from . import BaseCollector
from .support.hooking import hook, hook_timed
from .support.reads import reader, table


class Collector(BaseCollector):
    id = "pyarrow.parquet"
    module = "pyarrow.parquet"

    def hook(self, module):
        read = partial(reader, self, call="pyarrow.parquet.read_table", form="parquet", describe=table("source"))
        hook(self, module, "read_table", read)
        hook_timed(self, module, "write_table", signals.WRITE)
