"""``numpy``: arrays read from files, and written by ``save`` and ``savez``.

``save`` and ``savez`` pass themselves to ``__array_function__`` of other array libraries, which compare them by
identity. We therefore hook the functions that they call."""

from . import BaseCollector
from .support.hooking import replace, writer
from .support.reads import argument, reader, size_of

_READERS = (("load", "npy", "file"), ("genfromtxt", "text", "fname"), ("loadtxt", "text", "fname"),
            ("fromfile", "binary", "file"))  # fmt: skip


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
            if name == "fromfile" and tuple(map(int, module.__version__.split(".")[:2])) < (2, 4):
                continue  # C code warns about the calling line, which would be ours
            original = getattr(module, name)
            replace(self, module, name, reader(self, original, "numpy." + name, form, _describer(parameter)))
        replace(self, module.lib.format, "write_array", writer(self, module.lib.format.write_array))
