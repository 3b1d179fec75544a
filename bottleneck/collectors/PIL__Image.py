"""``PIL.Image``: opening (reading) and decoding images inside a timed Dataset item. Records nothing elsewhere."""

from functools import partial
from time import thread_time_ns

from .. import signals
from ..agent.recorder import now
from . import BaseCollector
from .support.hooking import hook


class Collector(BaseCollector):
    id = "pillow"
    module = "PIL.Image"

    def hook(self, module):
        hook(self, module, "open", partial(self._part, kind=signals.SAMPLE_READ))
        # Most formats decode in ImageFile.load, which is imported when the first image is opened.
        self.file = None

    def _part(self, original, kind):
        recorder = self.recorder

        def hooked(*args, **kwargs):
            if not recorder.sampling or not self.on:
                return original(*args, **kwargs)
            t0, c0 = now(), thread_time_ns()
            result = original(*args, **kwargs)
            try:
                recorder.ring().put(kind, 0, t0, now(), thread_time_ns() - c0)
                if self.file is None:
                    self._decoders()
            except BaseException as error:
                self.off("after", error)
            return result

        return hooked

    def _decoders(self):
        import sys

        self.file = sys.modules.get("PIL.ImageFile")
        if self.file is not None:
            hook(self, self.file.ImageFile, "load", self._load)

    def _load(self, original):
        recorder = self.recorder

        def load(image):
            # A decoded image has no tiles left, and load() does nothing.
            if not recorder.sampling or not self.on or not getattr(image, "tile", None):
                return original(image)
            t0, c0 = now(), thread_time_ns()
            result = original(image)
            try:
                recorder.ring().put(signals.SAMPLE_DECODE, 0, t0, now(), thread_time_ns() - c0)
            except BaseException as error:
                self.off("after", error)
            return result

        return load
