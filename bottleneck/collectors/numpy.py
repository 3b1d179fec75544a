"""``numpy``: arrays read from files."""

from . import BaseCollector
from ._reads import argument, reader, replace, size_of, writer

_READERS = (("load", "npy", "file"), ("genfromtxt", "text", "fname"), ("loadtxt", "text", "fname"),
            ("fromfile", "binary", "file"))  # fmt: skip
_WRITERS = ("save", "savez", "savez_compressed", "savetxt")


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
            original = getattr(module, name)
            replace(self, module, name, reader(self, original, "numpy." + name, form, _describer(parameter)))
        for name in _WRITERS:
            replace(self, module, name, writer(self, getattr(module, name)))
