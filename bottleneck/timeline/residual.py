"""Python on the side: main-thread time between the phases that neither feeds the model nor trains it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .. import signals
from .between import Between, Place, place_of
from .steps import Steps
from .stretches import Checkpoints, Evaluations


@dataclass(frozen=True)
class Residual:
    """``share``: of the steps' wall time, between the phases; ``seconds``: of the run; ``place``: what holds the bulk.

    ``feeds``: that place prepares the input of the model, in a loop that has a DataLoader to do such things.
    """

    share: float
    seconds: float
    place: Place | None
    sampled_seconds: float
    feeds: bool = False

    @classmethod
    def compute(
        cls, steps: Steps, between: Between, checkpoints: Checkpoints | None, evaluations: Evaluations | None
    ) -> Residual:
        saving = checkpoints.functions if checkpoints is not None else frozenset()
        evaluating = evaluations.functions if evaluations is not None else frozenset()
        aside = [s for s in between.aside if not s.users or (s.users[-1].file, s.users[-1].function) not in saving]
        aside = [s for s in aside if evaluating.isdisjoint((frame.file, frame.function) for frame in s.users)]
        feeding = [s for s in between.feeding if s.phase == signals.NONE] if steps.kind == "loader" else []
        total = between.seconds.get(signals.NONE, 0.0)
        places = [place_of(aside, between.loop, total, between.training), place_of(feeding, between.loop, total)]
        feeds = (places[1].share if places[1] else 0.0) > (places[0].share if places[0] else 0.0)
        return cls(steps.share("other"), float(steps.phase("other").sum()), places[feeds], total, feeds)
