"""Saving checkpoints stops the training."""

from __future__ import annotations

import math

from ...artifacts.loading.loading import Loading
from ...artifacts.training.checkpoints import Checkpoints
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import MAX_TIMES_RARER, limit_after, location, rarer_edit
from ._shared import most_rare, seconds_saved_by_rarer, times_rarer

_IN_THE_BACKGROUND = """\
# or as often as now, written meanwhile by one background thread:
import concurrent.futures, copy
import torch
saver = concurrent.futures.ThreadPoolExecutor(1)  # once, before the loop
def save_aside(state, path):  # replaces torch.save(state, path)
    return saver.submit(torch.save, copy.deepcopy(state), path)"""


class SyncCheckpoint(Detector):
    """The training thread stands still while checkpoints are written.

    Why it matters
        A save blocks every step behind it; frequent saves are a fixed tax on the run.
    How it is measured
        Exclusive time of ``torch.save`` and ``safetensors`` saves on the training thread, over the whole run. One call
        in your code that writes several files counts as one save.
    How to fix it
        Save less often, as printed (a crash then loses more work), or hand a copy of the state to a background thread.
    When to ignore it
        When the state of every step must be kept.
    """

    id = "sync-checkpoint"
    title = "Training stops while checkpoints are written"
    stage = "training"
    share_threshold = 0.02  # of the run (own; users ask for 2 to 5 %)
    target_share = 0.01  # what checkpoints may cost after the fix
    max_lost_seconds = 300.0  # of work by a crash, for which a fix may make saves rarer than usual
    min_count = 3  # fewer saves are a save at the end, not a cadence

    def detect(self, steps: Steps, checkpoints: Checkpoints, loading: Loading | None) -> Outcome:
        share, count = checkpoints.share, len(checkpoints.seconds)
        if not count:
            return NotApplicable("No checkpoint was saved.")
        if count < self.min_count:
            return Fine(count, self.min_count, "count", "checkpoints")
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time spent saving checkpoints")
        most = max(MAX_TIMES_RARER, round(self.max_lost_seconds * count / steps.run_seconds))
        factor = times_rarer(share, self.target_share, most_rare(count, steps, most))
        left_out = 1 - math.ceil(count / factor) / count
        total = checkpoints.total_seconds
        inside = min(total, checkpoints.inside_seconds + checkpoints.around_seconds) * left_out
        outside = total * left_out - inside
        cold = checkpoints.after_seconds * count * left_out
        less = seconds_saved_by_rarer(steps, loading, inside + cold, count * left_out, cpu_share=1.0)
        saved = outside + less
        priced = gain(
            saved,
            steps.run_seconds,
            f"{count} saves of {total / count * 1e3:.0f} ms, and {checkpoints.after_seconds * 1e3:.1f} ms more in the "
            f"steps around each; one in {factor} kept",
            step_share=less / max(steps.total_seconds, 1e-9) if inside > outside else None,
            relative_error=0.10,
        )
        every = max(1, round(steps.all_count / count))
        where = f"line {checkpoints.site.line}" if checkpoints.site is not None else "the save"
        return self.finding(
            location=location(checkpoints.site),
            evidence=(
                Evidence("checkpoints", count, "count"),
                Evidence("time per checkpoint", total / count, "s"),
                Evidence("share of the run", share, "share"),
            ),
            gain=priced,
            fix=Fix(
                f"Save {factor} times less often (a crash then loses up to {every * factor} steps, not {every}), "
                "or in a background thread",
                f"# {where}: under your condition, but {factor} times less often\n{_IN_THE_BACKGROUND}",
                effort=1,
                risk=0.1,
                edit=rarer_edit(checkpoints.site, steps, loading, factor),
            ),
            after=limit_after(steps, loading, inside / max(steps.count, 1), "the training loop itself"),
            removes={"checkpoint": saved * sum(checkpoints.seconds) / total},
        )
