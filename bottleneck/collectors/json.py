"""``json``: every ``load``, but ``loads`` only above 64 KiB, so that small messages cost one comparison."""

from . import BaseCollector, dress
from .support.hooking import replace, unseen
from .support.reads import argument, of, reader, size_of

LARGE = 64 * 1024  # characters or bytes


def _describe(args, kwargs, result):
    fields = size_of(argument(args, kwargs, 0, "fp"))
    if isinstance(result, list):
        fields["rows"] = len(result)
    return fields


def _describe_text(args, kwargs, result):
    fields = {"size_bytes": len(argument(args, kwargs, 0, "s"))}
    if isinstance(result, list):
        fields["rows"] = len(result)
    return fields


class Collector(BaseCollector):
    id = "json"
    module = "json"

    def hook(self, module):
        of(self.recorder)
        replace(self, module, "load", reader(self, module.load, "json.load", "json", _describe))
        plain = module.loads
        recorded = reader(self, plain, "json.loads", "json", _describe_text)

        def loads(*args, **kwargs):
            if args and type(args[0]) in (str, bytes, bytearray) and len(args[0]) > LARGE:
                return recorded(*args, **kwargs)
            return plain(*args, **kwargs)

        replace(self, module, "loads", dress(unseen(loads, plain), plain))
