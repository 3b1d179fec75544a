"""Checkpoints: how long they take, within the steps and between them, and what they leave behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Recording, Site
from .. import Missing
from .steps import Steps

Function = tuple[str, str]  # (file, function)
_MIN_STEPS = 10  # fewer make no median to compare


@dataclass(frozen=True)
class Checkpoints:
    """Saves on the main thread: ``seconds`` each, ``site`` where most of the time was spent.

    One call of the user's that writes several files is one save. ``inside_seconds``: the part within steps;
    ``around_seconds``: sampled in the functions that save, outside the save itself (flush, fsync, copying);
    ``after_seconds``: how much longer the training of this step and of the next takes for one save, with cold caches.
    """

    seconds: tuple[float, ...]
    site: Site | None
    run_seconds: float
    around_seconds: float = 0.0
    functions: frozenset[Function] = frozenset()
    inside_seconds: float = 0.0
    after_seconds: float = 0.0

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
        at = recording.facts.loop_site(steps.process, steps.loader)
        functions = frozenset(
            (s.file, s.function) for s in sites if s is not None and (at is None or s.function != at.function)
        )
        around = _sampled_seconds_in(recording, steps, functions)
        step = np.searchsorted(steps.rows["t0"], mine["t0"], side="right")
        saves = np.unique(np.column_stack([step, inverse]), axis=0, return_inverse=True)[1].reshape(-1)
        each = np.bincount(saves, weights=seconds)
        within = float(steps.rows["checkpoint"].sum()) / 1e6
        after = _cold_seconds(steps)
        return cls(tuple(each.tolist()), site, recording.wall_seconds, around, functions, within, after)


def _cold_seconds(steps: Steps) -> float:
    saves = steps.phase("checkpoint") > 0
    following = np.append(False, saves[:-1]) & ~saves
    far = ~(saves | following)
    if min(saves.sum(), following.sum(), far.sum()) < _MIN_STEPS:
        return 0.0
    work = steps.phase("forward", "backward", "optimizer")
    warm = np.median(work[far])
    return max(0.0, float(np.median(work[saves]) - warm)) + max(0.0, float(np.median(work[following]) - warm))


def _sampled_seconds_in(recording: Recording, steps: Steps, functions: frozenset[Function]) -> float:
    """Seconds sampled outside all phases whose innermost user function is one of these."""
    stacks = recording.stacks[(recording.stacks["process"] == steps.process) & (recording.stacks["flags"] == 0)]
    total = 0.0
    for stack, nanoseconds in zip(stacks["arg"].tolist(), (stacks["t1"] - stacks["t0"]).tolist(), strict=True):
        frame = next((f for f in recording.facts.stacks.get((steps.process, stack), ()) if f.user), None)
        if frame is not None and (frame.file, frame.function) in functions:
            total += nanoseconds / 1e9
    return total
