"""Steps that train on a single sample each: what they compute, and where. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording.facts import Forward
from ...recording.model import Recording, Site
from .. import Absent, Missing
from ..loading.loader import Loader
from .loop_samples import LoopSamples
from .steps import Floats, Steps

_PHASES = ("h2d", "forward", "backward", "optimizer")  # phases that work on a sample


@dataclass(frozen=True)
class SingleSamples:
    """``computing_seconds``: of each step after warm-up, for one sample; ``site``: the line that calls the model.

    ``acts``: samples come one at a time because a policy acts in an environment.
    """

    computing_seconds: Floats
    site: Site | None
    acts: bool

    @classmethod
    def compute(
        cls, recording: Recording, steps: Steps, loader: Loader | None, loop_samples: LoopSamples | None
    ) -> SingleSamples:
        if not steps.training:
            raise Absent("The run does not train.")
        facts = recording.facts.of_process(Forward, steps.process)
        trains = [fact for fact in facts if fact.grad and fact.rows]
        sizes = {fact.rows for fact in trains}
        if loader is not None and loader.facts.batch_size is not None:
            sizes = {loader.facts.batch_size}
        if not sizes:
            raise Missing("How many samples a step trains on is not known.")
        if sizes != {1}:
            raise Missing("Each step trains on several samples.")
        frames = trains[0].frames if trains else []
        site = Site(frames[0][1], frames[0][2], frames[0][0]) if frames else None
        acts = loop_samples is not None and loop_samples.acts
        return cls(steps.phase(*_PHASES), site or (loader.iter_site if loader is not None else None), acts)
