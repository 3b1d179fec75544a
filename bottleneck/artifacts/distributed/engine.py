"""What lets the devices of a training work together, where it is one of the slow ways. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording.model import Recording, Site
from .. import Missing
from ..device.gpu import Gpu
from ..training.steps import Steps


@dataclass(frozen=True)
class Engine:
    """``devices``: how many one DataParallel model is copied to in each step. ``backend``: of DistributedDataParallel
    on an accelerator, "" where there is none. ``site``: where the model is made."""

    devices: int
    backend: str
    site: Site | None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps, gpu: Gpu) -> Engine:
        facts = recording.facts
        copied = facts.of_process("data_parallel", steps.process)
        ranks = [fields for fields in facts.of_process("ddp", steps.process) if fields["device"] != "cpu"]
        if not copied and not ranks:
            raise Missing("No model on more than one accelerator was seen.")
        widest = max(copied, key=lambda fields: fields["devices"], default={"devices": 0, "site": 0})
        backend = ranks[-1]["backend"] if ranks else ""
        site = widest["site"] if widest["devices"] > 1 or not ranks else ranks[-1]["site"]
        return cls(widest["devices"], backend, facts.sites.get((steps.process, site)))
