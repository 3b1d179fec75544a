"""``json``: files read by ``load``. ``loads`` is left alone: programs call it millions of times."""

from functools import partial

from . import BaseCollector
from .support.hooking import hook
from .support.reads import argument, of, reader, size_of


def _describe(args, kwargs, result):
    fields = size_of(argument(args, kwargs, 0, "fp"))
    if isinstance(result, list):
        fields["rows"] = len(result)
    return fields


class Collector(BaseCollector):
    id = "json"
    module = "json"

    def hook(self, module):
        of(self.recorder)
        hook(self, module, "load", partial(reader, self, call="json.load", form="json", describe=_describe))
