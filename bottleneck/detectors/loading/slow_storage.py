"""Loading is blocked in reads."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.run.user_lines import UserLines
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Changes, Evidence, Fine, Fix, Outcome
from ...diagnosis.laws import changed, step_model, step_seconds
from .. import Detector
from .._common import cause_of_wait_at, location
from . import _shared


class SlowStorage(Detector):
    """Several workers at a time are blocked on reads, and the loop waits for them.

    Why it matters
        The storage limits the loop; more processes would only queue for it.
    How it is measured
        The share of loading time blocked on reads: timed readers, sampled stacks that end in code that reads files or
        talks to a service, or bytes read while the workers wait. At least two readers are active, and a batch takes
        longer the more of them there are; if it does not, more workers help, and that is reported instead.
    How to fix it
        Copy the data to local disk, pack small files into shards that are read in order, or cache what is re-read.
    When to ignore it
        In a first, cold epoch: later epochs come from the page cache.
    """

    id = "slow-storage"
    title = "Data loading is blocked on storage reads"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu", "too-few-workers")
    wait_share_threshold = _shared.WAIT_DEAD_BAND
    reading_share_threshold = 0.5  # of the loading, blocked in reads (own)
    lag_ratio = 1.0  # L/n over C: below it the readers keep up, and the wait comes from elsewhere
    min_readers = 2  # one reader says nothing about the device's limit: workers-zero or too-few-workers first

    def detect(self, steps: Steps, loader: Loader, loading: Loading, lines: UserLines | None = None) -> Outcome:
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        if loading.reading_share < self.reading_share_threshold:
            return Fine(
                loading.reading_share, self.reading_share_threshold, "share", "share of loading blocked in reads"
            )
        if loader.num_workers < self.min_readers:
            return Fine(loader.num_workers, self.min_readers, "count", "concurrent readers")
        ratio = loading.load_seconds / loader.num_workers / max(float(loading.work_seconds.mean()), 1e-9)
        if ratio < self.lag_ratio:
            return Fine(ratio, self.lag_ratio, "", "batch interval of all workers relative to step work")
        if loading.contention is not None and not loading.saturated:
            reason = "slowdown of a batch per concurrent reader: more readers would help"
            return Fine(loading.contention, None, "", reason)
        hot = next((line for line in loading.hot if line.cpu_share < 0.5), None)
        kept = max(0.05, 1.0 - loading.reading_share)
        model = step_model(loading, steps)
        changes = Changes(model, load_seconds=-loading.load_seconds * (1.0 - kept))
        new_step = step_seconds(changed(model, changes))
        gain = _shared.priced(
            loading,
            steps,
            changes,
            "T' = max(C, L'/n) with reads from memory or local disk, L' the part of the loading that does not read",
            confidence=0.6,
            fix_error=_shared.REPLACED_ERROR,
        )
        contention: tuple[Evidence, ...] = ()
        if loading.contention is not None:
            contention = (Evidence("slowdown of a batch per concurrent reader", loading.contention, "share"),)
        return self.finding(
            location=location(hot.frame) if hot else location(loader.dataset_site),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence("share of loading blocked in reads", loading.reading_share, "share"),
                *contention,
                *cause_of_wait_at(lines, hot.frame if hot else None),
            ),
            gain=gain,
            fix=Fix(
                "Copy the data to local disk before training, or pack it into a few large shards",
                "# once, before the loop\nshutil.copytree(remote_folder, local_folder, dirs_exist_ok=True)",
                effort=2,
            ),
            after=_shared.after_text(loading, new_step),
            removes={"data_wait": gain.seconds},
            changes=changes,
        )
