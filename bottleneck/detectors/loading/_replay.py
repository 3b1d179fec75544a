"""Waits of the loop that a replay of its recorded batches has too: what the detectors of uneven batches price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...artifacts.loading.loading import Loading
from ...artifacts.loading.prefetch import Prefetch
from ...artifacts.training.steps import Floats, Steps
from ...diagnosis.findings import Fine

MAX_SINGLE_SHARE = 0.25  # of the wait: more of it for one batch is an accident, not how batches are
MIN_AGREEMENT = 0.65  # of the waits in a replay, seen in the recording: below it they had another cause


@dataclass(frozen=True)
class Replay:
    """The recorded loop, replayed as it was.

    ``wait_seconds``: for each batch; ``seen_seconds``: of each, what the loop waited too; ``longer_factor``: how much
    longer the loop is than what was replayed; ``max_saved_seconds``: what can go before the cores are what limits.
    """

    wait_seconds: Floats
    seen_seconds: Floats
    longer_factor: float
    max_saved_seconds: float
    total_seconds: float

    @property
    def total_wait_seconds(self) -> float:
        """Seconds that the replay waits."""
        return float(self.wait_seconds.sum())

    @classmethod
    def of(cls, steps: Steps, loading: Loading, prefetch: Prefetch, ready: float = 0.5) -> Replay:
        """``ready``: share of the batches that surely lay ready when they were asked for."""
        now = prefetch.replayed(prefetch.factor)
        # Workers that no longer pause want their share of the cores all the time.
        cores = (loading.load_cpu_seconds + loading.work_cpu_seconds) / max(loading.cores, 1.0) * steps.count
        return cls(
            now,
            np.minimum(now, prefetch.stood(ready)),
            steps.all_count / prefetch.batches,
            max(0.0, float((loading.wait_seconds + loading.work_seconds).sum()) - cores),
            max(steps.total_seconds, 1e-9),
        )

    def doubt(self, min_share: float) -> Fine | None:
        """Why the waits are no matter of uneven batches, or too few; None where they are."""
        share = self.total_wait_seconds * self.longer_factor / self.total_seconds
        if share < min_share:
            return Fine(share, min_share, "share", "replayed wait for slow batches")
        agreement = float(self.seen_seconds.sum()) / self.total_wait_seconds
        if agreement < MIN_AGREEMENT:
            return Fine(agreement, MIN_AGREEMENT, "share", "replayed waits that the loop had too")
        single = float(self.seen_seconds.max()) / float(self.seen_seconds.sum())
        if single > MAX_SINGLE_SHARE:
            return Fine(single, MAX_SINGLE_SHARE, "share", "share of the wait due to a single batch")
        return None

    def saved_seconds(self, before: Floats, after: Floats) -> float:
        """Seconds of the run that go where the waits of a replay fall from ``before`` to ``after``."""
        less = max(0.0, float(before.sum()) - float(after.sum()))
        seen = float(self.seen_seconds.sum())
        return min(self.max_saved_seconds, seen * self.longer_factor * less / self.total_wait_seconds)
