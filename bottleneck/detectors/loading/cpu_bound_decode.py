"""Decoding keeps every usable core busy."""

from __future__ import annotations

from dataclasses import replace

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.loading.sample_reuse import SampleReuse
from ...artifacts.loading.samples import HotLine
from ...artifacts.run.cpu_contention import CpuContention
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Changes, Evidence, Finding, Fine, Fix, Gain, Outcome
from ...diagnosis.laws import changed, step_model, step_seconds
from ...recording.model import Frame
from .. import Detector
from .._common import location
from . import _shared

_STORED = Fix(
    "Precompute this once, before the run, and load the stored result",
    "# once\nfor i in range(len(dataset)):\n    np.save(f'cache/{i}.npy', decode(i))\n"
    "# in __getitem__\nreturn np.load(f'cache/{i}.npy')",
    effort=4,
)
_CHEAPER = Fix(
    "Make this line cheaper; samples differ between epochs and cannot be stored",
    "# the same operation on less data (crop or resize before it), or by a quicker library\n"
    "# what comes before the first random step can be done once and stored",
    effort=2,
    risk=0.1,
)


class CpuBoundDecode(Detector):
    """Loading batches is CPU work and no core is idle: more workers cannot help, cheaper samples can.

    Why it matters
        The loop runs only as fast as the cores can decode.
    How it is measured
        The CPU share of the loading time from the workers' own clocks, the cores busy during the steps, and the
        hottest line of the loading from sampled stacks.
    How to fix it
        Do the hot operation once and store its result, use a cheaper codec or a native decoder, or load on another
        machine. If samples differ between epochs (random augmentation), only the hot line itself counts, and the
        advice is to make it cheaper.
    When to ignore it
        When the samples must be made anew each time and there is no cheaper way.
    """

    id = "cpu-bound-decode"
    title = "Decoding samples keeps all cores busy"
    stage = "data loading"
    explains = ("input-wait", "starved-gpu", "too-few-workers")
    wait_share_threshold = 0.10  # of the step: the fix is a day's work, not a flag
    cpu_share_threshold = 0.8  # on the CPU rather than waiting (gpuprof: CPU above 80 %)
    max_idle_cores = 0.5  # with more idle, workers come first
    kept_up = 1.2  # step with the advised workers over its work: up to here they hide the loading
    min_pace_share = 0.8  # of the step: below it the wait comes from elsewhere (the queue between the processes)
    min_operation_share = 0.3  # a hot function or line below this is not "the" decode
    cheaper_factors = (1.25, 2.0, 10.0)  # by which a line may become quicker; nobody knows: a rule of thumb

    def detect(
        self,
        steps: Steps,
        loader: Loader | None,
        loading: Loading,
        reuse: SampleReuse | None,
        contention: CpuContention | None,
    ) -> Outcome:
        share = loading.wait_share
        if share < self.wait_share_threshold:
            return Fine(share, self.wait_share_threshold, "share", "step time waiting for data")
        if contention is not None and contention.oversubscribed:
            return Fine(contention.extra_share, None, "share", "worker CPU in threads that wait for each other")
        if loader is not None and not steps.training and steps.passes == 1:
            return Fine(1, 2, "count", "passes over the samples: making them is the program's own work")
        fine = self._not_limited_by_cpu(loading) or self._helped_by_workers(loading, steps)
        if fine is not None:
            return fine
        vary = reuse is not None and reuse.vary
        hot, fraction = _hottest(loading, vary)
        if hot is None or fraction < self.min_operation_share:
            return Fine(fraction, self.min_operation_share, "share", "hottest operation in loading")
        if reuse is not None and reuse.kept_share > fraction:
            # The whole sample, not this operation alone, comes out the same in each pass: repeat-transform's case.
            return Fine(fraction, reuse.kept_share, "share", "hottest operation in loading; a cache saves more")
        return self._operation(hot, fraction, vary, steps, loader, loading)

    def _not_limited_by_cpu(self, loading: Loading) -> Fine | None:
        """What keeps the loading from being CPU work that sets the pace of the steps, if anything does."""
        pace = max(
            loading.load_seconds / max(loading.workers, 1), _cpu_seconds_needed(loading) / max(loading.cores, 1.0)
        )
        limits = pace / max(float((loading.wait_seconds + loading.work_seconds).mean()), 1e-9)
        if limits < self.min_pace_share:
            return Fine(limits, self.min_pace_share, "share", "step time explained by decoding")
        cpu = min(1.0, loading.load_cpu_seconds / max(loading.load_seconds, 1e-9))
        # On a crowded machine a worker's wall time holds run-queue time: then its CPU share says little.
        crowded = loading.workers >= loading.cores
        if cpu < self.cpu_share_threshold and not (crowded and cpu > 0.5):
            return Fine(cpu, self.cpu_share_threshold, "share", "CPU share of loading")
        return None

    def _helped_by_workers(self, loading: Loading, steps: Steps) -> Fine | None:
        """Workers come first; it is a finding beside them where they cannot keep up either."""
        if not self._leaves_cores_idle(loading):
            return None
        model = step_model(loading, steps)
        most = changed(model, Changes(model, workers=_shared.advised_workers(model, loading)))
        if step_seconds(most) > self.kept_up * model.work_seconds:
            return None
        return Fine(
            loading.obtainable_cores, self.max_idle_cores, "cores", "cores that more workers would get: they come first"
        )

    def _leaves_cores_idle(self, loading: Loading) -> bool:
        return loading.workers < loading.cores and loading.obtainable_cores > self.max_idle_cores

    def _operation(
        self, hot: HotLine, fraction: float, vary: bool, steps: Steps, loader: Loader | None, loading: Loading
    ) -> Finding:
        changes, gain = self._cheaper(loading, steps, fraction) if vary else self._stored(loading, steps, fraction)
        new_step = step_seconds(changed(changes.of, changes))
        return self.finding(
            title=_title(loader, self._leaves_cores_idle(loading)),
            location=location(hot.frame),
            evidence=(
                *_shared.wait_evidence(loading, steps),
                Evidence(f"share of loading in this {'line' if vary else 'function'}", fraction, "share"),
                Evidence("CPU time needed per step", _cpu_seconds_needed(loading), "s"),
            ),
            gain=gain,
            fix=_fewer_operations(hot.frame) if loader is None else _CHEAPER if vary else _STORED,
            after=_shared.after_text(loading, new_step),
            removes={"data_wait": gain.seconds},
            changes=changes,
        )

    def _stored(self, loading: Loading, steps: Steps, fraction: float) -> tuple[Changes, Gain]:
        """The whole function is done once, ahead of the run."""
        return self._less(loading, steps, fraction, f"f = {fraction:.0%} of the loading in this function", 0.6)

    def _cheaper(self, loading: Loading, steps: Steps, fraction: float) -> tuple[Changes, Gain]:
        """The line takes a part of its time: how large a part is a guess."""
        low, middle, high = (fraction * (1 - 1 / factor) for factor in self.cheaper_factors)
        terms = f"f = half of the {fraction:.0%} of the loading in this line, a guess"
        changes, gain = self._less(loading, steps, middle, terms, 0.2)
        ends = [self._less(loading, steps, part, "", 0.2)[1] for part in (low, high)]
        return changes, replace(gain, low=ends[0].low, high=ends[1].high)

    def _less(
        self, loading: Loading, steps: Steps, fraction: float, terms: str, confidence: float
    ) -> tuple[Changes, Gain]:
        """The change and gain of loading that takes ``fraction`` less."""
        model = step_model(loading, steps)
        changes = Changes(
            model, load_seconds=-loading.load_seconds * fraction, load_cpu_seconds=-loading.load_cpu_seconds * fraction
        )
        law = "max(C, L(1 - f)/n, CPU/cores)" if loading.workers else "C + L(1 - f)"
        error = _shared.REPLACED_ERROR
        method = f"T' = {law} with {terms}"
        return changes, _shared.priced(loading, steps, changes, method, confidence=confidence, fix_error=error)


def _hottest(loading: Loading, vary: bool) -> tuple[HotLine | None, float]:
    """The operation that computes longest, and its share of the loading: of samples that ``vary`` its one line's."""
    hot = next((line for line in loading.hot if line.cpu_share > 0.5), None)
    return hot, 0.0 if hot is None else hot.line_share if vary else hot.share


def _cpu_seconds_needed(loading: Loading) -> float:
    """Seconds per step, by the loading and all else."""
    return loading.load_cpu_seconds + loading.work_cpu_seconds


def _title(loader: Loader | None, idle: bool) -> str:
    """Where it differs from the usual one; a loop without a loader has no samples to decode."""
    if loader is None:
        return "The training loop makes its own batches, and no core is idle to help"
    return "Decoding needs more CPU than there is" if idle else ""


def _fewer_operations(frame: Frame) -> Fix:
    """For a loop that makes its batches itself."""
    return Fix(
        "Build the batch with whole-array operations, or compute what does not change once, before the loop",
        f"# line {frame.line}: keep what batches are made of in one tensor or array and index it,\n"
        "# batch = states[indices], instead of collecting Python objects one by one",
        effort=2,
    )
