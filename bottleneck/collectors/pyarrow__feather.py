"""``pyarrow.feather``: tables read and written."""

from functools import partial

from .. import signals
from . import BaseCollector
from .support.hooking import hook, hook_timed
from .support.reads import reader, table


class Collector(BaseCollector):
    id = "pyarrow.feather"
    module = "pyarrow.feather"

    def hook(self, module):
        for name in ("read_feather", "read_table"):
            call = "pyarrow.feather." + name
            hook(self, module, name, partial(reader, self, call=call, form="feather", describe=table("source")))
        hook_timed(self, module, "write_feather", signals.WRITE)
