"""Saving checkpoints stops the training."""

from __future__ import annotations

import math

from ...findings import Evidence, Finding, Fine, Fix
from ...prediction import gain
from ...timeline.steps import Steps
from ...timeline.stretches import Checkpoints
from .. import Detector
from ..loading._shared import location


class SyncCheckpoint(Detector):
    """The training thread stands still while checkpoints are written.

    Why it matters
        A save blocks every step behind it; saved often, it is a fixed tax on the run.
    How it is measured
        Exclusive time of ``torch.save`` and ``safetensors`` saves on the training thread, over the whole run.
    How to fix it
        Save less often, as printed, or hand the copied state to a background thread.
    When to ignore it
        When every step's state must be kept.
    """

    id = "sync-checkpoint"
    title = "Training stops for checkpoints"
    stage = "training"
    explains = ("residual-python",)
    share_threshold = 0.02  # of the run (signatures.md 57)
    target_share = 0.01  # what checkpoints may cost after the fix
    min_count = 3  # fewer saves are a save at the end, not a cadence

    def detect(self, steps: Steps, checkpoints: Checkpoints) -> Finding | Fine:
        share, count = checkpoints.share, len(checkpoints.seconds)
        if count < self.min_count:
            return Fine(count, self.min_count, "count", "checkpoints")
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run spent saving")
        factor = max(2, min(count, math.ceil(share / self.target_share)))
        kept = math.ceil(count / factor)
        total = checkpoints.total_seconds
        saved = total * (1 - kept / count)
        priced = gain(
            saved,
            steps.run_seconds,
            f"{count} saves of {total / count * 1e3:.0f} ms; every {factor}th kept",
            step_share=None,
            relative_error=0.10,
        )
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=location(checkpoints.site),
            evidence=(
                Evidence("checkpoints", count, "count"),
                Evidence("each takes", total / count, "s"),
                Evidence("share of the run", share, "share"),
            ),
            gain=priced,
            fix=Fix(
                f"Save {factor} times less often",
                f"if step % (save_every * {factor}) == 0:\n    torch.save(state, path)",
                effort=1,
            ),
            after="the steps themselves",
            removes={"checkpoint": saved * sum(checkpoints.seconds) / total},
        )
