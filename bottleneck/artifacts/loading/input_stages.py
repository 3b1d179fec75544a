"""The stages of a tf.data pipeline in an imported profile, and which of them takes longest by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording import facts
from ...recording.model import Recording
from .. import Missing
from ..training.steps import Steps


@dataclass(frozen=True)
class InputStages:
    """``seconds``: of each stage by itself, on all threads, without the stages that it calls; longest first."""

    seconds: dict[str, float]

    @property
    def slowest(self) -> str:
        return next(iter(self.seconds))

    @property
    def slowest_share(self) -> float:
        """Of the time of all stages."""
        return self.seconds[self.slowest] / max(sum(self.seconds.values()), 1e-12)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> InputStages:
        found = recording.facts.of_process(facts.InputStages, steps.process)
        stages = [stage for fact in found for stage in fact.stages if stage.ns]
        if not stages:
            raise Missing("No stages of a tf.data pipeline were recorded.")
        return cls({stage.name: stage.ns / 1e9 for stage in sorted(stages, key=lambda stage: -stage.ns)})
