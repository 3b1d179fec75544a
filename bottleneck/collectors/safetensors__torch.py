"""``safetensors.torch``: files read, and files written, which count as checkpoints (as the HF Trainer saves them)."""

from .. import signals
from . import BaseCollector
from .support.hooking import replace
from .support.reads import argument, reader, size_of


class Collector(BaseCollector):
    id = "safetensors"
    module = "safetensors.torch"

    def hook(self, module):
        describe = lambda args, kwargs, result: size_of(argument(args, kwargs, 0, "filename"))  # noqa: E731
        replace(self, module, "load_file", reader(self, module.load_file, "safetensors.load_file", "torch", describe))
        for name in ("save_file", "save_model"):
            original = getattr(module, name, None)
            if original is not None:
                site = lambda args, kwargs: self.recorder.site(4)  # noqa: E731
                self.patches.replace(module, name, self.phase(original, signals.CHECKPOINT, site))
