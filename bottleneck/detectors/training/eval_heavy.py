"""Evaluation takes a large part of the run."""

from __future__ import annotations

import math

from ...findings import Evidence, Finding, Fine, Fix
from ...prediction import gain
from ...timeline.steps import Steps
from ...timeline.stretches import Evaluations
from .. import Detector
from ..loading._shared import location


class EvalHeavy(Detector):
    """Evaluation during training takes a large part of the run.

    Why it matters
        Every evaluation delays the next step; its cadence is usually a habit, not a need.
    How it is measured
        Whole evaluation loops (passes over a loader without a backward) and forwards with gradients off, against the
        wall time of the run.
    How to fix it
        Evaluate less often, on a fixed subset, in larger batches, under ``torch.inference_mode()``.
    When to ignore it
        When early stopping or the protocol needs it; a single evaluation at the end is not reported.
    """

    id = "eval-heavy"
    title = "Evaluation takes a large part of the run"
    stage = "training"
    explains = ("residual-python", "input-wait")
    share_threshold = 0.15  # of the run (signatures.md 58)
    min_passes = 3  # fewer are the evaluation at the end
    target_share = 0.05

    def detect(self, steps: Steps, evaluations: Evaluations) -> Finding | Fine:
        share = evaluations.share
        if evaluations.count < self.min_passes:
            return Fine(evaluations.count, self.min_passes, "count", "evaluation passes")
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run spent in evaluation")
        factor = max(2, min(evaluations.count, math.ceil(share / self.target_share)))
        kept = math.ceil(evaluations.count / factor)
        saved = evaluations.total_seconds * (1 - kept / evaluations.count)
        priced = gain(
            saved,
            steps.run_seconds,
            f"{evaluations.count} evaluations of {evaluations.total_seconds / evaluations.count:.2f} s; "
            f"every {factor}th kept",
            relative_error=0.10,
        )
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=location(evaluations.site),
            evidence=(
                Evidence("evaluations", evaluations.count, "count"),
                Evidence("each takes", evaluations.total_seconds / evaluations.count, "s"),
                Evidence("share of the run", share, "share"),
            ),
            gain=priced,
            fix=Fix(
                f"Evaluate {factor} times less often",
                f"if step % (eval_every * {factor}) == 0:\n    evaluate(model)",
                effort=1,
                risk=0.1,
            ),
            after="the steps themselves",
            removes={"eval": saved},
        )
