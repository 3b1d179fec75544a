"""The loop waits for data, whatever the reason."""

from __future__ import annotations

import numpy as np

from ...artifacts.loading.feeding import Feeding
from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import QUEUE_SECONDS, Finding, Fine, Fix, Gain, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import loader_edit, location
from . import _shared


class InputWait(Detector):
    """The training loop spends a large part of each step waiting for its next batch.

    Why it matters
        Waiting is pure loss: the step cannot start before its batch arrives.
    How it is measured
        Exclusive time inside ``next(loader)`` against the wall time of the steps, without warm-up. In a loop without a
        DataLoader: sampled time in the generator that it iterates over, or in lines that the forward pass depends on.
    How to fix it
        Apply the more specific finding if there is one; this one is reported only when no other explains the wait.
    When to ignore it
        When the data is a stream that is limited at its source.
    """

    id = "input-wait"
    title = "The training loop waits for data"
    stage = "data loading"
    wait_share_threshold = 0.10  # of the step (TraceML warns at 10 %; XProf calls 5 to 20 % moderate)
    min_gain_share = 0.03  # of the step, for loops without a DataLoader: less is not worth processes
    min_idle_cores = 0.5  # with less idle, workers that keep up on average wait for a core, not the loop for them
    floor_seconds = 0.001  # a healthy loader in this process still costs about this much

    handed_share = 0.5  # of the wait, in a queue that others fill: more of it and they are what is slow

    def detect(self, steps: Steps, loader: Loader | None, loading: Loading, feeding: Feeding | None) -> Outcome:
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        if loader is None:
            handed = feeding is not None and feeding.handed_share >= self.handed_share
            return self._from_others(steps, loading) if handed else self._by_hand(steps, loading)
        if not steps.training and steps.passes == 1 and loading.idle_cores < self.min_idle_cores:
            return Fine(1, 2, "count", "passes over the samples: making them is the program's own work")
        keeps_up = loading.load_seconds < loader.num_workers * float(loading.work_seconds.mean())
        if keeps_up and loading.idle_cores < self.min_idle_cores:
            reason = "idle cores: too few for more workers"
            return Fine(loading.idle_cores, self.min_idle_cores, "cores", reason)
        # A batch that is ready still has to be handed over; only what is waited beyond that can go.
        handed_over = 2 * QUEUE_SECONDS if loader.num_workers else self.floor_seconds
        ceiling = float(np.maximum(loading.wait_seconds - handed_over, 0.0).sum())
        share = ceiling / max(float((loading.wait_seconds + loading.work_seconds).sum()), 1e-9)
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "wait for data beyond the handover")
        priced = self._bounded(steps, ceiling, share)
        return self.finding(
            location=location(loader.site),
            evidence=_shared.wait_evidence(loading, steps),
            gain=priced,
            detected_by=0.6,
            fix=self._fix(loader, loading),
            hint=loading.in_memory,  # torch's own way to index: true, and no fault of the user's code
            after="the training work becomes the bottleneck",
            removes={"data_wait": priced.seconds},
        )

    @staticmethod
    def _bounded(steps: Steps, ceiling: float, share: float) -> Gain:
        """Only a bound is known: the wait can go at most; from half of it up is what fixes reach."""
        return gain(
            ceiling * 0.75,
            steps.run_seconds,
            "ceiling: the whole wait; how much of it a fix recovers is unknown",
            low_seconds=ceiling * 0.5,
            high_seconds=ceiling,
            step_share=share * 0.75,
            confidence=0.4,
            ceiling=True,
        )

    @staticmethod
    def _fix(loader: Loader, loading: Loading) -> Fix:
        """Advice that this loader can take: one without workers has no queue to lengthen."""
        if loading.in_memory:
            return Fix(
                "Index whole batches: the data is in memory but gathered sample by sample",
                "batches = BatchSampler(RandomSampler(dataset), batch_size, False)\n"
                "# dataset[[3, 1, 2]] must return a batch\n"
                "DataLoader(dataset, sampler=batches, batch_size=None)",
                effort=2,
            )
        summary = "Make batches cheaper or earlier: see what the loading does in the call tree"
        if not loader.num_workers:
            return Fix(summary, "# in the Dataset: do once, before the loop, what is the same in every epoch", effort=2)
        ahead = 2 * (loader.facts.prefetch_factor or 2)
        snippet = f"DataLoader(..., num_workers={loader.num_workers}, prefetch_factor={ahead})"
        return Fix(summary, snippet, effort=2, edit=loader_edit(loader.site, prefetch_factor=ahead))

    def _by_hand(self, steps: Steps, loading: Loading) -> Finding | Fine:
        """A loop without a DataLoader that makes each batch itself, when it needs it."""
        workers, changes, new_step, priced = _shared.with_first_workers(loading, steps, confidence=0.6)
        if (priced.step_share or 0.0) < self.min_gain_share:
            return Fine(priced.step_share, self.min_gain_share, "share", "step time that prefetching would save")
        hot = loading.hot[0].frame if loading.hot else None
        return self.finding(
            title="The training loop makes each batch itself and waits for it",
            location=None if hot is None else location(hot),
            evidence=_shared.wait_evidence(loading, steps),
            gain=priced,
            fix=Fix(
                f"Make the batches ahead in {workers} worker process{'es' if workers > 1 else ''}",
                "class Batches(torch.utils.data.Dataset):\n"
                "    def __getitem__(self, index): ...  # make one sample or batch here\n"
                f"loader = DataLoader(Batches(), num_workers={workers}, persistent_workers=True)",
                effort=2,
                risk=0.1,
            ),
            after=_shared.after_text(loading, new_step),
            removes={"data_wait": priced.seconds, "other": priced.seconds},
            changes=changes,
        )

    def _from_others(self, steps: Steps, loading: Loading) -> Finding | Fine:
        """A loop without a DataLoader whose batches come from threads or processes of the user's own."""
        if loading.idle_cores < self.min_idle_cores:
            reason = "idle cores: too few to make batches faster"
            return Fine(loading.idle_cores, self.min_idle_cores, "cores", reason)
        hot = loading.hot[0].frame if loading.hot else None
        priced = self._bounded(steps, float(loading.wait_seconds.sum()), loading.wait_share)
        return self.finding(
            title="The training loop waits for its own loading threads or processes",
            location=None if hot is None else location(hot),
            evidence=_shared.wait_evidence(loading, steps),
            gain=priced,
            detected_by=0.6,
            fix=Fix(
                "Use twice as many loading threads (processes if they run Python), or make batches cheaper",
                "# threads share one interpreter: they help while they wait or compute in C\n"
                "loader = DataLoader(dataset, num_workers=2, persistent_workers=True)  # instead of a queue by hand",
                effort=2,
            ),
            after="the training work becomes the bottleneck",
            removes={"data_wait": priced.seconds, "other": priced.seconds},
        )
