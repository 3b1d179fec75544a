"""What the copy of a served model was measured to do in other ways: types, threads, batches, compiled. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording.facts import ModelCopy, ModelProbe, ModelVariant
from ...recording.model import Recording, Site
from .. import Missing

ASK = "`bottleneck run --probe-model` copies the served model and measures it after the run"


@dataclass(frozen=True)
class WhatIfs:
    """``variants``: those that were measured; ``left_out``: the others, with the reason. ``site``: the line that calls
    the model."""

    copy: ModelCopy
    probe: ModelProbe
    variants: tuple[ModelVariant, ...]
    left_out: tuple[ModelVariant, ...]
    site: Site | None

    def named(self, *names: str) -> tuple[ModelVariant, ...]:
        """Those of the measured variants that have one of these names."""
        return tuple(each for each in self.variants if each.name in names)

    @classmethod
    def compute(cls, recording: Recording) -> WhatIfs:
        """Raises Missing where no model was copied, or the copy could not be measured."""
        copies = recording.facts.of(ModelCopy)
        if not copies:
            raise Missing(f"Not asked for: {ASK}.")
        process, copy = next(((owner, each) for owner, each in copies if not each.problem), copies[0])
        if copy.problem:
            raise Missing(f"The model {copy.name or 'that is served'} was not copied: {copy.problem}.")
        probes = recording.facts.of_process(ModelProbe, process)
        problem = probes[0].problem if probes else "its copy was not complete when the program ended"
        if problem:
            raise Missing(f"The copy of the model {copy.name} could not be measured: {problem}.")
        found = recording.facts.of_process(ModelVariant, process)
        return cls(
            copy,
            probes[0],
            tuple(each for each in found if not each.left_out),
            tuple(each for each in found if each.left_out),
            recording.facts.sites.get((process, copy.site)),
        )
