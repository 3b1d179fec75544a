"""``wandb``: the run of W&B that the program logs to, if ``bottleneck run --wandb`` asks."""

import os

from . import BaseCollector
from .support.hooking import hook
from .support.trackers import asked


class Collector(BaseCollector):
    id = "wandb"
    module = "wandb"

    def hook(self, module):
        if asked(self.recorder, "wandb"):
            make = lambda original: self.wrap(original, lambda args, named: None, self._began)  # noqa: E731
            hook(self, module, "init", make, by_name=False)

    def _began(self, token, run, failed):
        if failed or run is None:
            return
        settings = getattr(run, "settings", None)
        self.recorder.note(
            "tracked_run",
            tool="wandb",
            id=str(run.id),
            # <where>/wandb/run-<time>-<id>/files
            where=os.path.dirname(os.path.dirname(os.path.dirname(str(run.dir)))),
            project=str(run.project or ""),
            entity=str(run.entity or ""),
            mode=str(getattr(settings, "mode", "") or ""),
        )
