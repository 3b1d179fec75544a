"""``json``: every ``load``, but ``loads`` only above 64 KiB, so that small messages cost one comparison.

``loads`` has many parameters to forward; we hook what it calls, ``JSONDecoder.decode``, which has one."""

from functools import partial

from . import BaseCollector
from .support.hooking import hook
from .support.reads import argument, of, reader, size_of

LARGE = 64 * 1024  # characters or bytes


def _describe(args, kwargs, result):
    fields = size_of(argument(args, kwargs, 0, "fp"))
    if isinstance(result, list):
        fields["rows"] = len(result)
    return fields


def _describe_text(args, kwargs, result):
    fields = {"size_bytes": len(argument(args, kwargs, 1, "s"))}
    if isinstance(result, list):
        fields["rows"] = len(result)
    return fields


class Collector(BaseCollector):
    id = "json"
    module = "json"

    def hook(self, module):
        of(self.recorder)
        hook(self, module, "load", partial(reader, self, call="json.load", form="json", describe=_describe))
        hook(self, module.JSONDecoder, "decode", self._decode)

    def _decode(self, plain):
        recorded = reader(self, plain, "json.loads", "json", _describe_text)

        def decode(decoder, s, **kwargs):
            if type(s) is str and len(s) > LARGE:
                return recorded(decoder, s, **kwargs)
            return plain(decoder, s, **kwargs)

        return decode
