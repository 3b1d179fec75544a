"""The DataLoader of the main loop, as it was configured."""

from __future__ import annotations

from dataclasses import dataclass

from ...recording.facts import DataLoader
from ...recording.model import Recording, Site
from .. import Absent
from ..training.steps import Steps


@dataclass(frozen=True)
class Loader:
    """The main loop's DataLoader as configured. ``site``: where it was constructed; ``iter_site``: the loop over it."""

    id: int
    process: int
    facts: DataLoader
    site: Site | None
    iter_site: Site | None
    dataset_site: Site | None
    collate_site: Site | None

    @property
    def num_workers(self) -> int:
        return self.facts.num_workers

    @property
    def batch_size(self) -> int:
        return self.facts.batch_size or 1

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Loader:
        facts = recording.facts.loaders.get((steps.process, steps.loader))
        if steps.kind != "loader" or facts is None:
            raise Absent("The loop has no torch DataLoader.")

        def site(number: int | None) -> Site | None:
            return recording.facts.site(steps.process, number)

        return cls(
            steps.loader,
            steps.process,
            facts,
            site(facts.site) or site(facts.iter_site),
            site(facts.iter_site),
            site(facts.dataset_site),
            site(facts.collate_site),
        )
