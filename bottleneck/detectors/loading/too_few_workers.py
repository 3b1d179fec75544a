"""More workers would keep up."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Changes, Evidence, Fine, Fix, NotApplicable, Outcome
from ...diagnosis.laws import changed, step_model, step_seconds
from .. import Detector
from .._common import loader_snippet, location, workers_edit
from . import _shared


class TooFewWorkers(Detector):
    """Together the workers load batches more slowly than the loop consumes them, and the machine has room for more.

    Why it matters
        The loop runs at the speed of its loader: L/n seconds per step, whatever the model costs.
    How it is measured
        L, the time one worker needs for one batch, is recorded in the workers; n is the loader's; idle cores during
        the steps come from the machine. It is reported when L/n exceeds the work C of a step and the pipeline law says
        that more workers help.
    How to fix it
        Set ``num_workers`` to the number printed, per process: several ranks share the cores of one machine.
    When to ignore it
        When loading waits for a device that is already at its limit: more readers would only queue there.
    """

    id = "too-few-workers"
    title = "Too few dataloader workers"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu")
    wait_share_threshold = _shared.WAIT_DEAD_BAND
    lag_ratio = 1.05  # L/n over C: below it the workers keep up on average
    min_gain_share = 0.03
    blocked_share_limit = 0.5  # of the loading, while several wait for each other: slow-storage's case

    def detect(self, steps: Steps, loader: Loader, loading: Loading) -> Outcome:
        if loader.num_workers == 0:
            return NotApplicable("The loader has no workers.")
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        ratio = loading.load_seconds / loader.num_workers / max(float(loading.work_seconds.mean()), 1e-9)
        if ratio < self.lag_ratio:
            return Fine(ratio, self.lag_ratio, "", "batch interval of all workers relative to step work")
        if loading.saturated and loading.blocked_share > self.blocked_share_limit:
            return Fine(loading.contention, None, "", "slowdown of a batch per busy worker: they queue")
        if loading.contention is None and loading.reading_share > self.blocked_share_limit and loader.num_workers >= 2:
            return Fine(loading.reading_share, self.blocked_share_limit, "share", "share of loading blocked in reads")
        model = step_model(loading, steps)
        workers = _shared.advised_workers(model, loading)
        changes = Changes(model, workers=workers)
        now, new_step = step_seconds(model), step_seconds(changed(model, changes))
        if workers <= loader.num_workers or new_step > (1 - self.min_gain_share) * now:
            return Fine(loading.obtainable_cores, 1.0, "cores", "cores that more workers would get: too few")
        gain = _shared.priced(
            loading,
            steps,
            changes,
            f"T' = max(C, L/n, CPU/cores) = {new_step * 1e3:.1f} ms with n = {workers} "
            f"instead of {loader.num_workers}, L = {loading.load_seconds * 1e3:.1f} ms",
        )
        return self.finding(
            location=location(loader.site),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence("batch interval of all workers relative to step work", ratio, ""),
            ),
            gain=gain,
            fix=Fix(
                f"Raise num_workers from {loader.num_workers} to {workers}",
                loader_snippet(loader, workers),
                effort=1,
                risk=0.1,
                edit=workers_edit(loader, workers),
            ),
            after=_shared.after_text(loading, new_step),
            removes={"data_wait": gain.seconds},
            changes=changes,
        )
