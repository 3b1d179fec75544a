"""Batches are made in the training thread."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Fine, Fix, Outcome
from .. import Detector
from .._common import loader_snippet, location, workers_edit
from . import _shared


class WorkersZero(Detector):
    """The DataLoader has no workers, so every batch is loaded while the training thread stands still.

    Why it matters
        Loading and training take turns instead of overlapping: the step costs their sum.
    How it is measured
        The wait in ``next(loader)`` against the wall time of the same steps, with ``num_workers`` read from the
        loader. The gain is the pipeline law max(C, L/n, CPU/cores) with the cores that were idle during the run.
    How to fix it
        Give the DataLoader the number of workers that the report prints, and ``persistent_workers=True``.
    When to ignore it
        When the data is already in memory: then only a large gain on an idle core is reported.
    """

    id = "workers-zero"
    title = "Batches are loaded in the training thread"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu", "straggler")
    wait_share_threshold = _shared.WAIT_DEAD_BAND  # dead band of every tool we compared
    min_gain_share = 0.03  # of the step: less is not worth worker processes
    min_memory_gain_share = 0.25  # of the step, and an idle core: batches in memory gain little for their way

    def detect(self, steps: Steps, loader: Loader, loading: Loading) -> Outcome:
        share = loading.wait_share
        if loader.num_workers > 0:
            return Fine(loader.num_workers, 0, "count", "dataloader workers")
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        workers, changes, new_step, gain = _shared.with_first_workers(loading, steps)
        saved = gain.step_share or 0.0
        if saved < self.min_gain_share:
            return Fine(saved, self.min_gain_share, "share", "step time that workers would save")
        if loading.in_memory and (saved < self.min_memory_gain_share or loading.idle_cores < 1.0):
            reason = "step time that workers would save; the data is already in memory"
            return Fine(saved, self.min_memory_gain_share, "share", reason)
        return self.finding(
            location=location(loader.site),
            evidence=_shared.wait_evidence(loading, steps),
            gain=gain,
            fix=Fix(
                f"Load in {workers} worker process{'es' if workers > 1 else ''}",
                loader_snippet(loader, workers),
                effort=1,
                risk=0.1,
                edit=workers_edit(loader, workers),
            ),
            after=_shared.after_text(loading, new_step),
            removes={"data_wait": gain.seconds},
            changes=changes,
        )
