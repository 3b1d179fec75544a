"""Every pass makes the same samples again."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.loading.sample_reuse import MIN_COMPARED, SampleReuse
from ...artifacts.run.cpu_contention import CpuContention
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Changes, Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import changed, step_model, step_seconds
from .. import Detector
from .._common import location
from . import _shared
from .cpu_bound_decode import CpuBoundDecode


class RepeatTransform(Detector):
    """In every epoch the Dataset recomputes, for the same index, what it has already computed.

    Why it matters
        From the second epoch on all of this time is wasted: the samples could have been kept.
    How it is measured
        For the samples that are timed anyway (1 in 16), a checksum of the output is recorded with the index. It is
        reported when enough of them were made in two epochs and all came out identical, so that nothing in them is
        random. The gain is the pipeline law with stored samples, for the steps of all epochs but the first, which
        fills the cache.
    How to fix it
        Cache what ``__getitem__`` returns: in a dictionary without workers, in files with workers, since each worker
        has its own memory. Whatever is random or cheap belongs after the cache.
    When to ignore it
        When random augmentation will be added, or when the samples of a longer run do not fit anywhere.
    """

    id = "repeat-transform"
    title = "The same samples are recomputed in every epoch"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu", "too-few-workers")
    wait_share_threshold = 0.10  # of the step, as for cpu-bound-decode: the fix is more than a flag
    item_share_threshold = 0.10  # of the loading, in making samples (own)
    min_item_seconds = 0.0005  # quicker ones are not looked at: to keep them costs nearly as much
    cheaper = 3.0  # a sample over its stored copy: below it, it is most likely read from such a copy already
    cpu_share_threshold = 0.5  # of making a sample: where it waits, for storage or a service, that is another case
    min_compared = MIN_COMPARED
    file_seconds = 0.0002  # torch.load of a small file (own measurement)
    file_bytes_per_second = 1.5e9  # of a larger one, from the page cache (own measurement)
    max_idle_cores = 0.5  # with more idle, workers come first
    kept_up = 1.2  # step with the advised workers over its work: up to here they hide the loading
    min_gain_share = 0.05  # of the step (dead band of the peers)

    def detect(
        self, steps: Steps, loader: Loader, loading: Loading, reuse: SampleReuse, contention: CpuContention | None
    ) -> Outcome:
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        if reuse.epochs < 2:
            return Fine(reuse.epochs, 2, "count", "epochs")
        cached = self._cached_seconds(loader, loading, reuse)
        least = max(self.cheaper * cached, self.min_item_seconds)
        if reuse.item_seconds < least:
            return Fine(reuse.item_seconds, least, "s", "time to make a sample after the first epoch")
        computing = reuse.item_cpu_seconds * loading.crowding_factor / reuse.item_seconds
        if computing < self.cpu_share_threshold:
            return Fine(computing, self.cpu_share_threshold, "share", "CPU share of making a sample")
        if reuse.item_share < self.item_share_threshold:
            return Fine(reuse.item_share, self.item_share_threshold, "share", "share of loading spent making samples")
        if reuse.same < reuse.compared:
            random = 1.0 - reuse.same / reuse.compared
            return Fine(random, 0.0, "share", "samples that differ between epochs")
        if reuse.compared < self.min_compared:
            return NotMeasured(f"Only {reuse.compared} samples were recorded in two epochs.")
        if reuse.whole_bytes is None:
            return NotMeasured("The number of samples is unknown.")
        if not reuse.fits:
            return Fine(reuse.whole_bytes, reuse.room_bytes, "B", "size of all samples; threshold: free memory")
        found = self._judged(steps, loader, loading, reuse, cached, reuse.whole_bytes)
        ahead = CpuBoundDecode().detect(steps, loader, loading, reuse, contention)
        if isinstance(found, Finding) and found.gain and isinstance(ahead, Finding) and ahead.gain:
            return Fine(
                found.gain.share, ahead.gain.share, "share", "step time a cache would save; precomputing saves more"
            )
        return found

    def _cached_seconds(self, loader: Loader, loading: Loading, reuse: SampleReuse) -> float:
        """To get a sample that is stored."""
        if not loader.num_workers:
            return 0.0
        return (self.file_seconds + reuse.output_bytes / self.file_bytes_per_second) * loading.crowding_factor

    def _judged(
        self, steps: Steps, loader: Loader, loading: Loading, reuse: SampleReuse, cached: float, whole: float
    ) -> Finding | Fine:
        model = step_model(loading, steps)
        if loading.workers < loading.cores and loading.obtainable_cores > self.max_idle_cores:
            most = changed(model, Changes(model, workers=_shared.advised_workers(model, loading)))
            if step_seconds(most) <= self.kept_up * model.work_seconds:
                return Fine(
                    loading.obtainable_cores,
                    self.max_idle_cores,
                    "cores",
                    "cores that more workers would get: they come first",
                )
        # As a share of the law's own terms, which hold the wait for cores, and a first pass that may have been slower.
        now = min(1.0, reuse.load_seconds / max(loading.load_seconds, 1e-9)) if loading.workers else 1.0
        less = now * reuse.item_share * (1.0 - cached / reuse.item_seconds)
        changes = Changes(
            model, load_seconds=-loading.load_seconds * less, load_cpu_seconds=-loading.load_cpu_seconds * less
        )
        later = float(reuse.later.mean())
        gain = _shared.priced(
            loading,
            steps,
            changes,
            f"T' = {'max(C, L/n, CPU/cores)' if loading.workers else 'C + L'} with {1 - less:.0%} of L, "
            f"in {later:.0%} of the steps: those after the first epoch",
            confidence=0.6,
            fix_error=_shared.REPLACED_ERROR,
            part=later,
        )
        if (gain.step_share or 0.0) < self.min_gain_share:
            return Fine(gain.step_share, self.min_gain_share, "share", "step time that stored samples would save")
        return self.finding(
            location=location(_shared.dataset_site(loader)),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence("epochs", reuse.epochs, "count"),
                Evidence("samples compared, all identical", reuse.compared, "count"),
                Evidence("time to make a sample", reuse.item_seconds, "s"),
                Evidence("size of all samples", round(whole), "B"),
            ),
            gain=gain,
            fix=self._fix(loader),
            after=_shared.after_text(loading, step_seconds(changed(model, changes))),
            removes={"data_wait": gain.seconds},
            changes=changes,
        )

    @staticmethod
    def _fix(loader: Loader) -> Fix:
        if not loader.num_workers:
            text = (
                "# in __init__\nself.made = {}\n"
                "# in __getitem__, with what it does now in make()\n"
                "if index not in self.made:\n    self.made[index] = self.make(index)\n"
                "return self.made[index]"
            )
        else:
            text = (
                "# in __getitem__, with its current code in make();\n"
                "# empty the folder when make() changes\n"
                "path = f'cache/{index}.pt'\n"
                "if not os.path.exists(path):\n    torch.save(self.make(index), path)\n"
                "return torch.load(path)"
            )
        return Fix("Cache each sample when it is first made", text, effort=2, risk=0.1)
