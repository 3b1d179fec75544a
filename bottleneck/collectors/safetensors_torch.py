"""``safetensors.torch``: files written are checkpoints (the Hugging Face Trainer saves its weights this way)."""

from .. import signals
from . import BaseCollector


class Collector(BaseCollector):
    id = "safetensors"
    module = "safetensors.torch"

    def hook(self, module):
        for name in ("save_file", "save_model"):
            original = getattr(module, name, None)
            if original is not None:
                site = lambda args, kwargs: self.recorder.site(4)  # noqa: E731
                self.patches.replace(module, name, self.phase(original, signals.CHECKPOINT, site))
