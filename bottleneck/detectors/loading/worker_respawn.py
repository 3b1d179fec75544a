"""Loader workers are started anew for every pass."""

from __future__ import annotations

import numpy as np

from ...artifacts.loading.epochs import Epochs, LoaderPasses
from ...artifacts.training.steps import Floats, Steps
from ...diagnosis.findings import QUEUE_SECONDS, Evidence, Finding, Fine, Fix, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import loader_edit, location


class WorkerRespawn(Detector):
    """Each epoch starts new worker processes, and the loop stands still until they are ready.

    Why it matters
        Starting, importing and opening the data are paid in every epoch; short epochs consist of little else.
    How it is measured
        For every epoch but the first: the time from ``iter(loader)`` to the first batch, minus the time a worker
        needed to load that batch, which is paid anyway; plus the time to stop the workers of the previous epoch.
    How to fix it
        Set ``persistent_workers=True``: the workers then live as long as the DataLoader.
    When to ignore it
        When workers must see what the program changed in the Dataset between two epochs (``set_epoch`` on a Dataset,
        curricula): persistent workers keep the copy they started with. Their memory stays in use between epochs.
    """

    id = "worker-respawn"
    title = "Dataloader workers are restarted for every epoch"
    stage = "data loading"
    explains = ("file-loaded-again",)  # what each worker loads as it starts
    min_passes = 3  # fewer are a trial run, in which a single start is saved
    share_threshold = 0.02  # of the run (own)

    def detect(self, steps: Steps, epochs: Epochs) -> Outcome:
        if not epochs.loaders:
            return NotApplicable("No loader has workers.")
        temporary = [loader for loader in epochs.loaders if not loader.persistent]
        most = max((loader.epochs for loader in temporary), default=0)
        if most < self.min_passes:
            return Fine(most, self.min_passes, "count", "epochs with non-persistent workers")
        again = [loader for loader in temporary if loader.epochs >= self.min_passes]
        seen = [loader for loader in again if len(loader.restart_seconds)]
        if not seen:
            return NotMeasured("No worker was recorded making the first batch of an epoch.")
        # A persistent worker hands over the first batch too.
        saved = {loader.loader: np.maximum(loader.restart_seconds - QUEUE_SECONDS, 0.0) for loader in seen}
        share = sum(float(each.sum()) for each in saved.values()) / max(steps.run_seconds, 1e-9)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "run time spent restarting workers")
        return self._finding(steps, seen, saved)

    def _finding(self, steps: Steps, seen: list[LoaderPasses], saved: dict[int, Floats]) -> Finding:
        """``saved``: loader -> seconds of each restart."""
        worst = max(seen, key=lambda loader: float(saved[loader.loader].sum()))
        total = sum(float(each.sum()) for each in saved.values())
        low, high = (sum(float(np.percentile(each, at)) * len(each) for each in saved.values()) for at in (10, 90))
        restarts = sum(map(len, saved.values()))
        between = float(saved[steps.loader].sum()) if steps.loader in saved else 0.0
        others = [str(loader.site.line) for loader in seen if loader is not worst and loader.site is not None]
        also = f"  # and in line {', '.join(others)}" if others else ""
        return self.finding(
            location=location(worst.site),
            evidence=(
                Evidence("epochs", worst.epochs, "count"),
                Evidence("dataloader workers", worst.workers, "count"),
                Evidence("time to restart the workers", float(saved[worst.loader].mean()), "s"),
                Evidence("share of the run", total / max(steps.run_seconds, 1e-9), "share"),
            ),
            gain=gain(
                total,
                steps.run_seconds,
                f"{restarts} restarts of {total / restarts:.2f} s, without the time to make the first batch",
                low_seconds=low,
                high_seconds=high,
            ),
            fix=_fix(worst, also),
            after="the training loop itself becomes the bottleneck",
            # Evaluating less often would save the starts of its own loader too.
            removes={"loader_start": between, "eval": total - between},
        )


def _fix(worst: LoaderPasses, also: str) -> Fix:
    return Fix(
        "Keep the workers alive between epochs",
        f"DataLoader(..., num_workers={worst.workers}, persistent_workers=True){also}",
        effort=1,
        risk=0.1,  # what the program changes in the Dataset between passes no longer reaches the workers
        edit=loader_edit(worst.site, persistent_workers=True),
    )
