"""``pyarrow.csv``: tables read and written."""

import sys
from functools import partial

from .. import signals
from . import BaseCollector
from .support.hooking import hook, hook_timed
from .support.reads import argument, asked, names, reader, size_of


def _describe(args, kwargs, table):
    fields = size_of(argument(args, kwargs, 0, "input_file"))
    options = kwargs.get("convert_options")
    columns = list(table.column_names)
    fields.update(
        rows=table.num_rows,
        columns=names(columns),
        column_count=len(columns),
        asked_columns=asked(getattr(options, "include_columns", None) or None),
        engine="pyarrow",
        options={},
        hidden=sorted(name for name in kwargs if kwargs[name] is not None) + ["an option"] * (len(args) > 1),
        library=getattr(sys.modules.get("pyarrow"), "__version__", None),
    )
    return fields


class Collector(BaseCollector):
    id = "pyarrow.csv"
    module = "pyarrow.csv"

    def hook(self, module):
        read = partial(reader, self, call="pyarrow.csv.read_csv", form="csv", describe=_describe)
        hook(self, module, "read_csv", read)
        hook_timed(self, module, "write_csv", signals.WRITE)
