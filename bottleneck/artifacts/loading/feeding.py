"""Input that the loop makes without a DataLoader: in a generator, a hand-written loader or its own lines. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ... import signals
from .. import Absent
from ..training.loop_samples import LoopSamples
from ..training.places import Place, place_of
from ..training.steps import Steps

#: Library code in which a loop waits for the output of other threads or processes.
_HANDED = ("/queue.py", "/multiprocessing/queues.py", "/multiprocessing/connection.py", "/concurrent/futures/_base.py")


@dataclass(frozen=True)
class Feeding:
    """``seconds``: time spent feeding the model in each step after warm-up, by the sampled share of each phase.

    Shares of that time: ``cpu_share`` running; ``handed_share`` waiting for the output of other threads or processes.
    ``place``: where most of it is spent.
    """

    seconds: npt.NDArray[np.float64]
    cpu_share: float
    place: Place | None
    handed_share: float = 0.0

    @classmethod
    def compute(cls, steps: Steps, loop_samples: LoopSamples) -> Feeding:
        if steps.kind == "loader":
            raise Absent("The loop has a torch DataLoader.")
        sampled = sum(sample.seconds for sample in loop_samples.feeding)
        seconds = np.zeros(steps.count)
        for phase in (signals.NONE, signals.READ, signals.TRANSFORM, signals.DATA_WAIT):
            mine = sum(sample.seconds for sample in loop_samples.feeding if sample.phase == phase)
            whole = loop_samples.seconds.get(phase, 0.0)
            if whole > 0:
                seconds += steps.phase(signals.PHASES[phase]) * min(1.0, mine / whole)
        running = sum(sample.seconds for sample in loop_samples.feeding if sample.running)
        handed = sum(
            sample.seconds
            for sample in loop_samples.feeding
            if not sample.running and any(frame.file.endswith(_HANDED) for frame in sample.library)
        )
        sampled_at_least = max(sampled, 1e-9)
        place = place_of(loop_samples.feeding, loop_samples.loop, sampled)
        return cls(seconds, running / sampled_at_least, place, handed / sampled_at_least)
