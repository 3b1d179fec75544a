"""One worker's batches take far longer than the others', and all wait for that one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.loading.prefetch import Prefetch
from ...artifacts.training.steps import Floats, Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import loader_edit, location
from . import _shared
from ._replay import Replay


class WorkerImbalance(Detector):
    """Some workers take much longer for their batches than the others, which run ahead and then wait.

    Why it matters
        Batches are assigned to the workers in turn and delivered in order: the loop runs at the speed of the slowest
        worker, while finished batches of the others wait behind its batch.
    How it is measured
        The time to load every batch, recorded per worker: it differs by more than any random order of the same batches
        does. A replay of the loop waits for the same batches as the loop did; the gain is the wait that disappears
        with shuffled samples, or with batches delivered as they are ready.
    How to fix it
        Shuffle, so that no worker gets all of the large samples. If the order is already random, the worker itself is
        slow: ``in_order=False`` (torch 2.6) lets the others take over its part.
    When to ignore it
        When the order of the samples matters. Batches delivered as they are ready come in a different order each time,
        and a run can no longer be reproduced exactly.
    """

    id = "worker-imbalance"
    title = "One dataloader worker gets the slow batches, and the others wait for it"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu", "too-few-workers", "shallow-prefetch")
    wait_share_threshold = _shared.WAIT_DEAD_BAND
    imbalance_threshold = 1.5  # slowest worker over the others (own; peers say 2.5 times a fair share, of many)
    draws = 100  # of the batches in another order, none of which may be as uneven: a chance of 1 %
    over_chance = 1.1  # the recorded order over those: of a single slow batch every order is as uneven
    min_gain_share = 0.05  # of the step (dead band of the peers)

    def detect(self, steps: Steps, loader: Loader, loading: Loading, prefetch: Prefetch | None) -> Outcome:
        if loader.num_workers < 2:
            return NotApplicable("The loader has fewer than two workers.")
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        if prefetch is None:
            return NotMeasured("Not every batch was timed in the workers.")
        uneven = prefetch.imbalance_ratio
        if uneven < self.imbalance_threshold:
            return Fine(uneven, self.imbalance_threshold, "", "slowest worker relative to the others")
        chance = prefetch.imbalance_ratio_by_chance(self.draws)
        if uneven < self.over_chance * chance:
            reason = "slowest worker relative to the others; threshold: expected by chance"
            return Fine(uneven, self.over_chance * chance, "", reason)
        # At least one worker's batches lie ready, also where the loop waits for most of the others.
        replay = Replay.of(steps, loading, prefetch, ready=0.5 / loader.num_workers)
        return replay.doubt(self.min_gain_share) or self._judged(steps, loader, loading, prefetch, replay, chance)

    def _judged(
        self, steps: Steps, loader: Loader, loading: Loading, prefetch: Prefetch, replay: Replay, chance: float
    ) -> Finding | Fine:
        fix, after, method = self._fix(loader, prefetch)
        drawn = np.array([replay.saved_seconds(replay.wait_seconds, after(seed)) for seed in range(20)])
        value, total = float(np.median(drawn)), replay.total_seconds
        if value < self.min_gain_share * total:
            return Fine(value / total, self.min_gain_share, "share", "step time that evenly spread batches would save")
        low, high = np.percentile(drawn, [10, 90])
        return self.finding(
            location=location(loader.site),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence("time of the slowest worker relative to the others", prefetch.imbalance_ratio, ""),
                Evidence("highest ratio expected by chance", chance, ""),
            ),
            gain=gain(
                value,
                steps.run_seconds,
                method,
                low_seconds=float(low),
                high_seconds=float(high),
                step_share=value / total,
            ),
            fix=fix,
            after="the training work becomes the bottleneck",
            removes={"data_wait": value},
        )

    @staticmethod
    def _fix(loader: Loader, prefetch: Prefetch) -> tuple[Fix, Callable[[int], Floats], str]:
        """(advice, seed -> the waits of a replay with it, what was replayed)."""
        sampler = loader.facts.sampler
        if sampler == "SequentialSampler" or not loader.facts.in_order:
            fix = Fix(
                "Shuffle the samples, so that every worker gets its share of slow ones",
                f"DataLoader(..., num_workers={loader.num_workers}, shuffle=True)",
                effort=1,
                risk=0.2,  # the order of the samples is another one
                edit=None if sampler is None else loader_edit(loader.site, shuffle=True),
            )
            method = "replay of the recorded batches with shuffled samples"
            return fix, lambda seed: prefetch.shuffled(loader.batch_size, seed), method
        fix = Fix(
            "Take batches in the order they finish: the order is already random, and one worker is slow",
            f"DataLoader(..., num_workers={loader.num_workers}, in_order=False)",
            effort=1,
            risk=0.2,  # a run with the same seed is no longer the same
            edit=loader_edit(loader.site, in_order=False),
        )
        return fix, prefetch.unordered, "the recorded batches replayed with each worker making as many as it can"
