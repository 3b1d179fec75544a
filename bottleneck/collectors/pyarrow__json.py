"""``pyarrow.json``: tables read from lines of JSON."""

from functools import partial

from . import BaseCollector
from .support.hooking import hook
from .support.reads import reader, table


def _describe(args, kwargs, result):
    return dict(table("input_file")(args[:1], kwargs, result), asked_columns=None)


class Collector(BaseCollector):
    id = "pyarrow.json"
    module = "pyarrow.json"

    def hook(self, module):
        read = partial(reader, self, call="pyarrow.json.read_json", form="json", describe=_describe)
        hook(self, module, "read_json", read)
