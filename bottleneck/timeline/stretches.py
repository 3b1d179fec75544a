"""Stretches of the loop that are not steps proper: checkpoints and evaluations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import signals
from . import Missing
from .steps import Steps
from .tables import Recording, Site


@dataclass(frozen=True)
class Checkpoints:
    """Saves on the main thread: ``seconds`` each, ``site`` where most of the time was spent.

    ``around_seconds``: sampled in the functions that save, outside the save itself (flush, fsync, copying).
    """

    seconds: tuple[float, ...]
    site: Site | None
    run_seconds: float
    around_seconds: float = 0.0
    functions: frozenset[tuple[str, str]] = frozenset()

    @property
    def total_seconds(self) -> float:
        """Time the training stood still for checkpoints."""
        return sum(self.seconds) + self.around_seconds

    @property
    def share(self) -> float:
        return self.total_seconds / max(self.run_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Checkpoints:
        if "training" not in recording.facts.attached:
            raise Missing("torch was not hooked.")
        events = recording.events
        mine = events[(events["process"] == steps.process) & (events["kind"] == signals.CHECKPOINT)]
        seconds = (mine["t1"] - mine["t0"]) / 1e9
        if not len(mine):
            return cls((), None, recording.wall_seconds)
        ids, inverse = np.unique(mine["arg"], return_inverse=True)
        sites = [recording.facts.sites.get((steps.process, int(number))) for number in ids]
        site = sites[int(np.argmax(np.bincount(inverse, weights=seconds)))]
        # A function made for saving holds its flush and fsync too; the training loop itself is no such function.
        loop = recording.facts.loaders.get((steps.process, steps.loader), {}).get("iter_site", 0)
        at = recording.facts.sites.get((steps.process, loop))
        functions = frozenset(
            (s.file, s.function) for s in sites if s is not None and (at is None or s.function != at.function)
        )
        around = _sampled_in(recording, steps, functions)
        return cls(tuple(seconds.tolist()), site, recording.wall_seconds, around, functions)


def _sampled_in(recording: Recording, steps: Steps, functions: frozenset[tuple[str, str]]) -> float:
    """Seconds sampled outside all phases whose innermost user function is one of these."""
    stacks = recording.stacks[(recording.stacks["process"] == steps.process) & (recording.stacks["flags"] == 0)]
    total = 0.0
    for stack, nanoseconds in zip(stacks["arg"].tolist(), (stacks["t1"] - stacks["t0"]).tolist(), strict=True):
        frame = next((f for f in recording.facts.stacks.get((steps.process, stack), ()) if f.user), None)
        if frame is not None and (frame.file, frame.function) in functions:
            total += nanoseconds / 1e9
    return total


@dataclass(frozen=True)
class Evaluations:
    """Evaluation inside or between training steps. ``count``: passes seen; ``site``: the loop's line."""

    total_seconds: float
    count: int
    site: Site | None
    run_seconds: float

    @property
    def share(self) -> float:
        return self.total_seconds / max(self.run_seconds, 1e-9)

    @classmethod
    def compute(cls, recording: Recording, steps: Steps) -> Evaluations:
        if not steps.training:
            raise Missing("The run does not train: what looks like evaluation is its work.")
        loops = recording.events
        loops = loops[(loops["process"] == steps.process) & (loops["kind"] == signals.LOOP) & (loops["flags"] == 0)]
        loops = loops[loops["arg"] != steps.loader]
        seconds = float((loops["t1"] - loops["t0"]).sum()) / 1e9
        inside = float(steps.rows["eval"].sum()) / 1e6
        outside = recording.events
        outside = outside[(outside["process"] == steps.process) & (outside["kind"] == signals.EVAL)]
        alone = float((outside["t1"] - outside["t0"]).sum()) / 1e9 if not len(loops) else 0.0
        site = None
        if len(loops):
            facts = recording.facts.loaders.get((steps.process, int(loops["arg"][0])), {})
            site = recording.facts.sites.get((steps.process, int(facts.get("iter_site") or 0)))
        return cls(max(seconds, inside + alone), len(loops), site, recording.wall_seconds)
