"""Batches are made in the training thread."""

from __future__ import annotations

from ...findings import Finding, Fine, Fix
from ...timeline.loading import Loading
from ...timeline.steps import Loader, Steps
from .. import Detector
from . import _shared


class WorkersZero(Detector):
    """The DataLoader has no workers, so that every batch is made while the training thread stands still.

    Why it matters
        Loading and training take turns instead of overlapping: the step costs their sum.
    How it is measured
        Wait in ``next(loader)`` against the wall time of the same steps, with ``num_workers`` read from the loader.
        The gain is the pipeline law max(C, L/n, CPU/cores) with the cores that were idle during the run.
    How to fix it
        Give the DataLoader the number of workers that the report prints, and ``persistent_workers=True``.
    When to ignore it
        When batches already lie in memory (the wait is then small and nothing is reported), or no core is idle.
    """

    id = "workers-zero"
    title = "Batches are loaded in the training thread"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu", "residual-python")
    wait_share_threshold = _shared.WAIT_DEAD_BAND  # dead band of every tool we compared
    min_gain_share = 0.03  # of the step: less is not worth worker processes

    def detect(self, steps: Steps, loader: Loader, loading: Loading) -> Finding | Fine:
        share = loading.wait_share
        if loader.num_workers > 0:
            return Fine(loader.num_workers, 0, "count", "the loader has workers")
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "waiting for data")
        workers = _shared.advised_workers(loading)
        new_step = _shared.predicted_step(loading, workers)
        gain = _shared.gain_of_step(
            loading,
            steps,
            new_step,
            loading.load,
            f"T' = max(C, L/n, CPU/cores) = {new_step * 1e3:.1f} ms with n = {workers}, "
            f"C = {loading.work.mean() * 1e3:.1f} ms, L = {loading.load * 1e3:.1f} ms",
        )
        if (gain.step_share or 0.0) < self.min_gain_share:
            return Fine(gain.step_share, self.min_gain_share, "share", "what workers would save here")
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=_shared.location(loader.site),
            evidence=_shared.wait_evidence(loading, steps),
            gain=gain,
            fix=Fix(
                f"Load in {workers} worker process{'es' if workers > 1 else ''}",
                _shared.loader_snippet(loader, workers),
                effort=1,
                risk=0.1,
            ),
            after=_shared.after_text(loading, new_step),
            removes={"data_wait": gain.seconds},
        )
