"""Workers that are fast enough on average, and too few batches ahead for the slow ones."""

from __future__ import annotations

import numpy as np

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.loading.prefetch import Prefetch
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import loader_edit, location
from . import _shared
from ._replay import Replay


class ShallowPrefetch(Detector):
    """Some batches take far longer to load than others, and the prefetch queue is too short to hide them.

    Why it matters
        The workers have time to spare, but a slow batch empties the queue and the loop stalls until it arrives:
        batches are delivered in order, even when later ones are ready.
    How it is measured
        The time to load every batch, recorded in the workers, varies by more than half of its mean although the mean
        keeps up with the loop. A replay of the loop with these times waits for the same batches as the loop did; the
        gain is the wait that disappears with more prefetched batches, and the range is what other orders of the
        batches give.
    How to fix it
        Raise ``prefetch_factor`` to the number printed.
    When to ignore it
        When batches are so large that memory has no room for more: workers x prefetch_factor batches are held.
    """

    id = "shallow-prefetch"
    title = "The prefetch queue is too short to absorb slow batches"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu")
    wait_share_threshold = _shared.WAIT_DEAD_BAND
    lag_ratio = 1.0  # L/n over C: above it the workers are too slow on average, and no queue stays filled
    variation_threshold = 0.5  # of the time a batch takes, standard deviation over mean (own)
    min_gain_share = 0.05  # of the step (dead band of the peers)
    max_times = 16  # how much longer a queue may be made: memory holds all of it
    enough_share = 0.9  # of what the longest queue saves

    def detect(self, steps: Steps, loader: Loader, loading: Loading, prefetch: Prefetch | None) -> Outcome:
        if loader.num_workers == 0:
            return NotApplicable("The loader has no workers.")
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        ratio = loading.load_seconds / loader.num_workers / max(float(loading.work_seconds.mean()), 1e-9)
        if ratio >= self.lag_ratio:
            return Fine(ratio, self.lag_ratio, "", "batch interval of all workers relative to step work")
        if prefetch is None:
            return NotMeasured("Not every batch was timed in the workers.")
        if prefetch.variation < self.variation_threshold:
            return Fine(prefetch.variation, self.variation_threshold, "", "relative spread of batch loading times")
        replay = Replay.of(steps, loading, prefetch)
        doubt = replay.doubt(self.min_gain_share)
        if doubt is not None:
            return doubt
        factors = [prefetch.factor * 2**power for power in range(1, self.max_times.bit_length())]
        saved = {factor: 1.0 - float(prefetch.replayed(factor).sum()) / replay.total_wait_seconds for factor in factors}
        factor = next(factor for factor in factors if saved[factor] >= self.enough_share * saved[factors[-1]])
        return self._judged(steps, loader, loading, prefetch, factor, replay)

    def _judged(
        self, steps: Steps, loader: Loader, loading: Loading, prefetch: Prefetch, factor: int, replay: Replay
    ) -> Finding | Fine:
        def saved(seed: int | None = None) -> float:
            return replay.saved_seconds(prefetch.replayed(prefetch.factor, seed), prefetch.replayed(factor, seed))

        value, total = saved(), replay.total_seconds
        if value < self.min_gain_share * total:
            return Fine(value / total, self.min_gain_share, "share", "step time that a longer queue would save")
        orders = np.array([saved(seed) for seed in range(20)])
        low, high = np.percentile(orders, [10, 90])
        return self.finding(
            location=location(loader.site),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence("relative spread of batch loading times", prefetch.variation, ""),
                Evidence("batches prefetched", loader.num_workers * prefetch.factor, "count"),
            ),
            gain=gain(
                value,
                steps.run_seconds,
                f"the recorded batches replayed with prefetch_factor = {factor} instead of {prefetch.factor}",
                low_seconds=float(low),
                high_seconds=float(high),
                step_share=value / total,
            ),
            fix=_fix(loader, prefetch.factor, factor),
            after="the training work becomes the bottleneck",
            removes={"data_wait": value},
        )


def _fix(loader: Loader, now: int, factor: int) -> Fix:
    ready = loader.num_workers * factor
    return Fix(
        f"Raise prefetch_factor from {now} to {factor}, for up to {ready} prefetched batches",
        f"DataLoader(..., num_workers={loader.num_workers}, prefetch_factor={factor})",
        effort=1,
        risk=0.1,  # memory holds the batches that lie ready
        edit=loader_edit(loader.site, prefetch_factor=factor),
    )
