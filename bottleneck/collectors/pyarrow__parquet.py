"""``pyarrow.parquet``: tables read and written."""

from functools import partial

from .. import signals
from . import BaseCollector
from .support.hooking import hook, hook_timed
from .support.reads import argument, asked, names, reader, size_of


def _describe(args, kwargs, table):
    fields = size_of(argument(args, kwargs, 0, "source"))
    columns = list(table.column_names)
    fields.update(
        rows=table.num_rows,
        columns=names(columns),
        column_count=len(columns),
        asked_columns=asked(kwargs.get("columns", args[1] if len(args) > 1 else None)),
        engine="pyarrow",
    )
    return fields


class Collector(BaseCollector):
    id = "pyarrow.parquet"
    module = "pyarrow.parquet"

    def hook(self, module):
        read = partial(reader, self, call="pyarrow.parquet.read_table", form="parquet", describe=_describe)
        hook(self, module, "read_table", read)
        hook_timed(self, module, "write_table", signals.WRITE)
