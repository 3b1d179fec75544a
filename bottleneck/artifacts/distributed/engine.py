"""A slow way of training on several devices, if the program uses one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording.facts import DataParallel, Ddp
from ...recording.model import Recording, Site
from .. import Absent
from ..device.gpu import Gpu
from ..training.steps import Steps


@dataclass(frozen=True)
class Engine:
    """``devices``: how many devices one DataParallel model is copied to in each step. ``backend``: the backend of
    DistributedDataParallel on an accelerator, "" if there is none. ``site``: where the model is created."""

    devices: int
    backend: str
    site: Site | None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, gpu: Gpu) -> Engine:
        facts = recording.facts
        copied = facts.of_process(DataParallel, steps.process)
        ranks = [made for made in facts.of_process(Ddp, steps.process) if made.device != "cpu"]
        if not copied and not ranks:
            raise Absent("No model on more than one accelerator was recorded.")
        widest = max(copied, key=lambda made: made.devices, default=DataParallel(site=0, devices=0))
        backend = ranks[-1].backend if ranks else ""
        site = widest.site if widest.devices > 1 or not ranks else ranks[-1].site
        return cls(widest.devices, backend, facts.site(steps.process, site))
