"""A step costs nearly the same for far fewer samples: the batch is too small."""

from __future__ import annotations

import numpy as np

from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.batch_sizes import BatchSizes
from ...artifacts.training.single_samples import SingleSamples
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotApplicable, NotMeasured, Outcome
from ...diagnosis.laws import gain, seconds_saved_by_less_work
from .. import Detector
from .._common import limit_after, location

_COMPUTING = ("forward", "backward", "optimizer")


class SmallBatch(Detector):
    """Most of the cost of a step does not depend on how many samples are in it.

    Why it matters
        Launching an operation costs the same for four samples as for forty; with a small batch that is all you pay
        for.
    How it is measured
        The last batch of each epoch is often smaller. Its forward, backward and optimizer time against that of full
        batches gives T(b) = a + k b; more samples share the part a if the batch is larger. Steps that train on one
        sample each and compute for a few milliseconds cost little but that part, whatever their loop goes over.
    How to fix it
        Use a larger batch, with the learning rate adapted to it. It changes how training converges: watch the loss.
    When to ignore it
        When the batch size was chosen for convergence, or the model is a toy.
    """

    id = "small-batch"
    title = "The batch is too small for the fixed cost of a step"
    stage = "training"
    fixed_threshold = 0.8  # of a step's computing: below, more samples cost about what they take now
    surely_threshold = 0.8  # the lower end of that: the steps vary too much to tell below it
    largest_last = 0.5  # of a whole batch: a last one that is nearly as large gives no slope
    min_passes = 5  # with a last batch after warm-up: fewer make no median
    min_steps = 1000  # a short run is a try, in which nobody gains by a larger batch
    gain_threshold = 0.20  # of the run: less is not worth another training
    factors = (8, 4, 2)  # how much larger
    steps_left = 20  # in a pass, at least: fewer updates would be another training altogether
    most_single_seconds = 3e-3  # of computing for one sample: beyond it, its work may be what costs (a guess)
    single_factor = 32  # a usual batch, for who has none
    single_fixed = (0.5, 0.9, 0.98)  # share of such a step that is paid once for a batch: least, usual, most (a guess)
    law_error = 0.15  # relative, one sigma: the line is used beyond the sizes that were seen

    def detect(
        self,
        steps: Steps,
        sizes: BatchSizes | None,
        single: SingleSamples | None,
        loader: Loader | None,
        loading: Loading | None,
    ) -> Outcome:
        if single is not None:
            return self._single(steps, single, loading)
        if sizes is None or loader is None:
            return NotMeasured("No smaller batch was seen: what one more sample costs is not known.")
        if sizes.last_size > self.largest_last * sizes.size:
            return NotMeasured("The last batch of a pass is too large to tell what a smaller one costs.")
        if len(sizes.last_seconds) < self.min_passes:
            return NotMeasured(f"Only {len(sizes.last_seconds)} smaller batches were seen at the end of a pass.")
        if steps.all_count < self.min_steps:
            return Fine(steps.all_count, self.min_steps, "count", "steps: a short run gains nothing by larger batches")
        fixed, low, high = sizes.fixed_share()
        if fixed < self.fixed_threshold:
            return Fine(fixed, self.fixed_threshold, "share", "fixed share of the computation")
        if low < self.surely_threshold:
            return NotMeasured(f"The steps vary too much: {low:.0%} of the computation or more may be fixed.")
        whole = float(sizes.full_seconds.mean())
        in_pass = steps.all_count / max(1, sizes.epochs)
        factor = next((factor for factor in self.factors if in_pass / factor >= self.steps_left), 0)
        saved, least, most = (
            seconds_saved_by_less_work(steps, loading, share * whole * (1 - 1 / factor), 1.0) if factor else 0.0
            for share in (fixed, low, high)
        )
        if saved < self.gain_threshold * steps.run_seconds:
            share = saved / max(steps.run_seconds, 1e-9)
            return Fine(share, self.gain_threshold, "share", "run time that a larger batch would save")
        size = sizes.size * factor
        return self.finding(
            location=location(loader.site),
            evidence=(
                Evidence("samples per batch", sizes.size, "count"),
                Evidence("computation time per batch", whole, "s"),
                Evidence("samples in the last batch of an epoch", sizes.last_size, "count"),
                Evidence("computation time of the last batch", float(sizes.last_seconds.mean()), "s"),
                Evidence("fixed share of the computation", fixed, "share"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"T(b) = a + k b with a = {fixed * whole * 1e3:.2f} ms of {whole * 1e3:.2f} ms, paid once for {size} "
                f"samples instead of {sizes.size}",
                low_seconds=least,
                high_seconds=most,
                step_share=saved / max(steps.total_seconds, 1e-9),
                relative_error=self.law_error,
                confidence=0.6,
            ),
            detected_by=0.6,
            hint=True,  # how large a batch may be is the training's choice: true, and no fault of the code
            fix=Fix(
                f"Use batches of {size} samples, and adapt the learning rate (this changes how training converges)",
                f"DataLoader(..., batch_size={size})  # and a learning rate up to {factor}x larger",
                effort=1,
                risk=0.4,
            ),
            after=limit_after(steps, loading, saved / max(steps.count, 1), "the computation itself"),
            removes={
                name: saved * float(steps.phase(name).sum()) / max(float(steps.phase(*_COMPUTING).sum()), 1e-9)
                for name in _COMPUTING
            },
        )

    def _single(self, steps: Steps, single: SingleSamples, loading: Loading | None) -> Outcome:
        """Steps of one sample each: nothing is measured of larger ones, but little else than a fixed cost is there."""
        if single.acts:
            return NotApplicable("A policy acts in an environment, so samples come one at a time.")
        if steps.all_count < self.min_steps:
            return Fine(steps.all_count, self.min_steps, "count", "steps: a short run gains nothing by larger batches")
        typical = float(np.median(single.computing_seconds))
        if typical > self.most_single_seconds:
            return Fine(typical, self.most_single_seconds, "s", "computation for a sample, which may be its own work")
        computing, work = (float(each.sum()) for each in (single.computing_seconds, steps.work()))
        least, usual, most = (share * (1 - 1 / self.single_factor) for share in self.single_fixed)
        saved = seconds_saved_by_less_work(steps, loading, work * usual / max(steps.count, 1), 1.0)
        if saved < self.gain_threshold * steps.run_seconds:
            share = saved / max(steps.run_seconds, 1e-9)
            return Fine(share, self.gain_threshold, "share", "run time that batches would save")
        return self.finding(
            title="The training takes a step for every single sample",
            location=location(single.site),
            evidence=(
                Evidence("samples per step", 1, "count"),
                Evidence("steps", steps.all_count, "count"),
                Evidence("computation time per step", typical, "s"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"a step for {self.single_factor} samples is assumed to cost little more than one of "
                f"{typical * 1e3:.2f} ms for one",
                low_seconds=min(saved, least * computing),
                high_seconds=most * steps.total_seconds,
                step_share=saved / max(steps.total_seconds, 1e-9),
                relative_error=self.law_error,
                confidence=0.4,
            ),
            detected_by=0.6,
            fix=Fix(
                f"Train on batches of {self.single_factor} samples, and adapt the learning rate (this changes how "
                "training converges)",
                f"size = {self.single_factor}\n"
                "for start in range(0, len(inputs), size):\n"
                "    x, y = inputs[start:start + size], targets[start:start + size]\n"
                "    ...  # one forward, backward and optimizer step for all of them\n"
                "# or, over a dataset: DataLoader(dataset, batch_size=size, shuffle=True)",
                effort=2,
                risk=0.4,
            ),
            after=limit_after(steps, loading, saved / max(steps.count, 1), "the computation itself"),
            removes={name: usual * float(steps.phase(name).sum()) for name in _COMPUTING},
            explains=("input-wait", "intra-op-threads", "optimizer-step", "residual-python", "workers-zero"),
        )
