"""Python on the side: main-thread time between the phases that neither feeds nor trains the model. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ... import signals
from .checkpoints import Checkpoints
from .evaluations import Evaluations, done_elsewhere
from .loop_samples import LoopSamples
from .output import Output
from .places import Place, place_of
from .steps import Steps


@dataclass(frozen=True)
class Residual:
    """``share``: share of the step time spent on it, between phases; ``seconds``: over the run; ``place``: where most
    of it is.

    ``feeds``: that place prepares the model's input, in a loop whose DataLoader could do it.
    """

    share: float
    seconds: float
    place: Place | None
    sampled_seconds: float
    feeds: bool = False

    @classmethod
    def compute(
        cls,
        steps: Steps,
        loop_samples: LoopSamples,
        checkpoints: Checkpoints | None,
        evaluations: Evaluations | None,
        output: Output | None,
    ) -> Residual:
        aside = [s for s in loop_samples.aside if not done_elsewhere(s.users, checkpoints, evaluations)]
        if output is not None:  # output has a detector of its own
            aside = [s for s in aside if not output.tool_of(s)]
        feeding = [s for s in loop_samples.feeding if s.phase == signals.NONE] if steps.kind == "loader" else []
        total = loop_samples.seconds.get(signals.NONE, 0.0)
        places = [
            place_of(aside, loop_samples.loop, total, loop_samples.training),
            place_of(feeding, loop_samples.loop, total),
        ]
        feeds = (places[1].share if places[1] else 0.0) > (places[0].share if places[0] else 0.0)
        return cls(steps.share("other"), float(steps.phase("other").sum()), places[feeds], total, feeds)
