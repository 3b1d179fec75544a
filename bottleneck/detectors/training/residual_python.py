"""Python between the phases takes a large part of the step."""

from __future__ import annotations

import math

from ...findings import Evidence, Finding, Fine, Fix
from ...prediction import gain
from ...timeline.residual import Place, Residual
from ...timeline.steps import Steps
from .. import Detector
from ..loading._shared import frame_location


class ResidualPython(Detector):
    """The training thread runs Python that is neither loading, forward, backward nor optimizer.

    Why it matters
        Metrics, logging and bookkeeping on the training thread delay every step.
    How it is measured
        The step's wall time minus all named phases; sampled stacks inside that remainder name the place:
        the innermost function, or line of the loop, that with all it calls still holds the bulk.
    How to fix it
        Do it every k steps, vectorise it, or move it off the training thread.
    When to ignore it
        When the function is the work you want done at every step.
    """

    id = "residual-python"
    title = "Python between the phases slows every step"
    stage = "training"
    explains = ("input-wait",)
    share_threshold = 0.10  # of the step (signatures.md 41)
    place_share_threshold = 0.4  # of the residual in one line of the loop or one function: else no place to name
    target_share = 0.02  # of the run: what the work may still cost when it is done every k steps
    min_sampled_seconds = 0.2  # of stacks: fewer samples name nothing

    def detect(self, steps: Steps, residual: Residual) -> Finding | Fine:
        if residual.share < self.share_threshold:
            return Fine(residual.share, self.share_threshold, "share", "step outside the named phases")
        place = residual.place
        share = place.share if place is not None else 0.0
        if residual.sampled_seconds < self.min_sampled_seconds or place is None or share < self.place_share_threshold:
            return Fine(share, self.place_share_threshold, "share", "residual in one place")
        name = f"line {place.frame.line}" if place.function is None else place.function.rpartition(".")[2]
        ceiling = residual.seconds * share
        # So rarely that what remains is below the dead band of the report.
        every = max(2, math.ceil(ceiling / steps.run_seconds / self.target_share))
        saved = ceiling * (1 - 1 / every)
        priced = gain(
            saved,
            steps.run_seconds,
            f"ceiling {ceiling:.2f} s in {name}; done every {every}th step",
            low_seconds=saved * 0.85,
            high_seconds=ceiling,
            step_share=saved / max(steps.total_seconds, 1e-9),
            confidence=0.6,
        )
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=frame_location(place.frame),
            evidence=(
                Evidence("step outside the named phases", residual.share, "share"),
                Evidence("of which here", share, "share"),
                Evidence("on the CPU", place.cpu_share, "share"),
                Evidence("per step", ceiling / max(steps.count, 1), "s"),
            ),
            gain=priced,
            fix=Fix(
                f"{_does(place, name)}: do it every {every}th step, or {_elsewhere(place)}",
                f"if step % {every} == 0:\n    ...  # {'the call of ' if place.function else ''}{name}",
                effort=2,
                risk=0.1,
            ),
            after="the phases of the step",
            removes={"other": saved},
        )


def _does(place: Place, name: str) -> str:
    return f"{name} {'computes' if place.cpu_share >= 0.5 else 'waits'} between the phases"


def _elsewhere(place: Place) -> str:
    """Computing in a thread would still hold the interpreter; waiting does not."""
    return "vectorise it" if place.cpu_share >= 0.5 else "hand it to a background thread"
