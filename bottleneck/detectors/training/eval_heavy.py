"""Evaluation takes a large part of the run."""

from __future__ import annotations

import math

from ...artifacts.loading.loading import Loading
from ...artifacts.training.evaluations import Evaluations
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import limit_after, location, rarer_edit
from ._shared import most_rare, seconds_saved_by_rarer, times_rarer


class EvalHeavy(Detector):
    """Evaluation during training takes a large part of the run.

    Why it matters
        Every evaluation delays the next step; how often it runs is usually habit, not need.
    How it is measured
        Epochs over a loader without a backward pass, and forward passes with gradients off, in or between the training
        steps, against the wall time of the run. What happens in most steps (a teacher, a target network, a policy that
        acts) is not evaluation.
    How to fix it
        Evaluate less often, on a fixed subset, in larger batches, under ``torch.inference_mode()``.
    When to ignore it
        When early stopping or the protocol needs it; a single evaluation at the end is not reported.
    """

    id = "eval-heavy"
    title = "Evaluation takes a large part of the run"
    stage = "training"
    share_threshold = 0.15  # of the run (own)
    min_passes = 3  # fewer are the evaluation at the end
    target_share = 0.05

    def detect(self, steps: Steps, evaluations: Evaluations, loading: Loading | None) -> Outcome:
        share, count = evaluations.share, evaluations.count
        if not count:
            return NotApplicable("The run does not evaluate.")
        if count < self.min_passes:
            return Fine(count, self.min_passes, "count", "evaluations")
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time spent in evaluation")
        return self._finding(steps, evaluations, loading)

    def _finding(self, steps: Steps, evaluations: Evaluations, loading: Loading | None) -> Finding:
        share, count = evaluations.share, evaluations.count
        factor = times_rarer(share, self.target_share, most_rare(count, steps))
        left_out = 1 - math.ceil(count / factor) / count
        inside, total = evaluations.inside_seconds * left_out, evaluations.total_seconds
        outside = (total - evaluations.inside_seconds) * left_out
        less = seconds_saved_by_rarer(steps, loading, inside, count * left_out, cpu_share=1.0)
        saved = outside + less
        priced = gain(
            saved,
            steps.run_seconds,
            f"{count} evaluations of {total / count:.2f} s; one in {factor} kept",
            step_share=less / max(steps.total_seconds, 1e-9) if inside > outside else None,
            relative_error=0.10,
        )
        return self.finding(
            location=location(evaluations.site),
            evidence=(
                Evidence("evaluations", count, "count"),
                Evidence("time per evaluation", total / count, "s"),
                Evidence("share of the run", share, "share"),
            ),
            gain=priced,
            fix=_fix(steps, loading, evaluations, factor),
            after=limit_after(steps, loading, inside / max(steps.count, 1), "the training loop itself"),
            removes={"eval": saved},
        )


def _fix(steps: Steps, loading: Loading | None, evaluations: Evaluations, factor: int) -> Fix:
    every = max(1, round(steps.all_count / evaluations.count))
    where = f"line {evaluations.site.line}" if evaluations.site is not None else "the evaluation"
    return Fix(
        f"Evaluate {factor} times less often, or on part of the data",
        f"# {where}: under your condition, but {factor} times less often;\n"
        f"# now after about {every} steps each, then after {every * factor}\n"
        "# or on a part: for batch in itertools.islice(your_loader, 20): ...",
        effort=1,
        risk=0.1,  # early stopping and the choice of the best model see fewer points
        edit=rarer_edit(evaluations.site, steps, loading, factor),
    )
