"""The loop waits for data, whatever the reason."""

from __future__ import annotations

from ...findings import Finding, Fine, Fix
from ...prediction import gain
from ...timeline.loading import Loading
from ...timeline.steps import Loader, Steps
from .. import Detector
from . import _shared


class InputWait(Detector):
    """The loop spends a large part of each step waiting for its next batch.

    Why it matters
        Waiting is pure loss: the step cannot start before its batch arrives.
    How it is measured
        Exclusive time inside ``next(loader)`` against the wall time of the steps, warm-up left out.
    How to fix it
        See the more specific finding where there is one; this one speaks only when none of them explains the wait.
    When to ignore it
        Streams that are limited at their source.
    """

    id = "input-wait"
    title = "The training loop waits for data"
    stage = "data loading"
    wait_share_threshold = 0.10  # warn at 10 % (signatures.md 0, bands of XP, KT and TM)
    floor_seconds = 0.001  # a healthy prefetched loader still costs about this much

    def detect(self, steps: Steps, loader: Loader, loading: Loading) -> Finding | Fine:
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "waiting for data")
        ceiling = max(0.0, float(loading.wait.sum()) - self.floor_seconds * steps.count)
        # Only a bound is known: the wait can go at most; half of it is the middle of what fixes reach.
        priced = gain(
            ceiling * 0.75,
            steps.run_seconds,
            "ceiling: all of the wait; how much of it a fix reaches is not known",
            low_seconds=ceiling * 0.5,
            high_seconds=ceiling,
            step_share=share * 0.75,
            confidence=0.4,
        )
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=_shared.location(loader.site),
            evidence=_shared.wait_evidence(loading, steps),
            gain=priced,
            detected_by=0.6,
            fix=Fix(
                "Make batches cheaper or earlier: see what the loading does in the call tree",
                "DataLoader(..., prefetch_factor=4)",
                effort=2,
            ),
            after="the work of the step",
            removes={"data_wait": priced.seconds},
        )
