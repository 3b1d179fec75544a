"""``safetensors.torch``: files read, and files written, which count as checkpoints (as the HF Trainer saves them)."""

from functools import partial

from .. import signals
from . import BaseCollector
from .support.hooking import hook
from .support.reads import argument, reader, size_of


class Collector(BaseCollector):
    id = "safetensors"
    module = "safetensors.torch"

    def hook(self, module):
        describe = lambda args, kwargs, result: size_of(argument(args, kwargs, 0, "filename"))  # noqa: E731
        read = partial(reader, self, call="safetensors.load_file", form="torch", describe=describe)
        hook(self, module, "load_file", read)
        site = lambda args, kwargs: self.recorder.site(4)  # noqa: E731
        for name in ("save_file", "save_model"):
            if hasattr(module, name):
                hook(self, module, name, partial(self.phase, phase=signals.CHECKPOINT, argument=site))
