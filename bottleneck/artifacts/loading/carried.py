"""What the main loop's DataLoader delivers for the copy to a device: the bytes of a batch, pinned or not. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...recording import facts
from ...recording.model import Recording
from .. import Missing
from ..training.steps import Steps


@dataclass(frozen=True)
class Carried:
    """``batch_bytes``: of the plain tensors in a batch, the median. ``pinned``: all of them; None: not known."""

    batch_bytes: int
    pinned: bool | None

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Carried:
        found = [
            fact for fact in recording.facts.of_process(facts.Carried, steps.process) if fact.loader == steps.loader
        ]
        if not found:
            raise Missing("No batch was looked at after the program began to use an accelerator.")
        said = {fact.pinned for fact in found}
        return cls(int(np.median([fact.bytes for fact in found])), said.pop() if len(said) == 1 else None)
