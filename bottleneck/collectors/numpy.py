"""``numpy``: arrays read from files, and written by ``save`` and ``savez``.

``save`` and ``savez`` pass themselves to ``__array_function__`` of other array libraries, which compare them by
identity. We therefore hook the functions that they call."""

from functools import partial

from .. import signals
from . import BaseCollector
from .support.hooking import hook, hook_timed
from .support.reads import argument, reader, size_of

#: Not ``fromfile``: C code that is called through us would warn about our line, and knows itself by identity.
_READERS = (("load", "npy", "file"), ("genfromtxt", "text", "fname"), ("loadtxt", "text", "fname"))


def _describer(parameter):
    def describe(args, kwargs, result):
        fields = size_of(argument(args, kwargs, 0, parameter))
        shape = tuple(getattr(result, "shape", ()))
        if len(shape) > 0:
            fields["rows"] = int(shape[0])
        if len(shape) == 2:
            fields["column_count"] = int(shape[1])
        return fields

    return describe


class Collector(BaseCollector):
    id = "numpy"
    module = "numpy"

    def hook(self, module):
        for name, form, parameter in _READERS:
            read = partial(reader, self, call="numpy." + name, form=form, describe=_describer(parameter))
            hook(self, module, name, read)
        hook_timed(self, module.lib.format, "write_array", signals.WRITE)
