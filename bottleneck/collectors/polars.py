"""``polars``: tables read by the eager functions. A lazy plan reads what it needs when it is collected: no hook."""

import sys
from functools import partial

from . import BaseCollector
from .support.hooking import hook
from .support.options import options_of
from .support.reads import argument, asked, names, reader, size_of

_READERS = {"read_csv": "csv", "read_json": "json", "read_ndjson": "json", "read_parquet": "parquet",
            "read_ipc": "feather", "read_excel": "excel"}  # fmt: skip


def _describe(args, kwargs, table):
    source = argument(args, kwargs, 0, "source")
    fields = size_of(source)
    if hasattr(table, "columns") and hasattr(table, "height"):  # read_excel may give several, in a dict
        columns = list(table.columns)
        fields.update(rows=table.height, columns=names(columns), column_count=len(columns))
        options, hidden = options_of({name: value for name, value in kwargs.items() if name != "source"})
        library = getattr(sys.modules.get("polars"), "__version__", None)
        fields.update(options=options, hidden=hidden + ["an argument"] * (len(args) > 1), library=library)
    fields.update(asked_columns=asked(kwargs.get("columns")), engine="polars")
    if isinstance(kwargs.get("n_rows"), int):
        fields["size_bytes"] = None  # part of the file: the file size says nothing about this read
    return fields


class Collector(BaseCollector):
    id = "polars"
    module = "polars"

    def hook(self, module):
        for name, form in _READERS.items():
            if hasattr(module, name):
                hook(self, module, name, partial(reader, self, call="polars." + name, form=form, describe=_describe))
