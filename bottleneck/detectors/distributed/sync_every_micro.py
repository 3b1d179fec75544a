"""Gradients are accumulated over several backward passes and exchanged in each of them."""

from __future__ import annotations

from ...artifacts.distributed.gradient_sync import GradientSync
from ...artifacts.distributed.ranks import evened_out_seconds
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import block_bootstrap, gain, seconds_saved_by_less_work
from .. import Detector
from .._common import limit_after, location


class SyncEveryMicro(Detector):
    """Gradients are accumulated over several backward passes, and the ranks all-reduce them after each one.

    Why it matters
        Only the last all-reduce before the optimizer step is needed: the sum of reduced gradients equals the reduced
        sum. The others cost time, and at each of them all ranks wait for the slowest.
    How it is measured
        Backward passes per optimizer step. In some of them DistributedDataParallel is asked whether it synchronises,
        and how long after the last gradient the all-reduce ends. The rank that arrives last counts: it did not wait.
        Waits for whichever rank is late average out between rarer all-reduces, and are counted from the same passes;
        so is what computation hides, as far as no core is idle for it.
    How to fix it
        Run all but the last backward pass, with their forward passes, inside the model's ``no_sync()``.
    When to ignore it
        When gradients have to be clipped or inspected after every backward pass, or memory has no room for full
        gradients, as in sharded training.
    """

    id = "sync-every-micro"
    title = "Gradients are all-reduced for every micro-batch, not once per optimizer step"
    stage = "training"
    explains = ("exposed-comm",)
    passes_threshold = 1.75  # exchanges per optimizer step: 1 is needed (own); a GAN has 1.5
    share_threshold = 0.02  # of the run (dead band)
    overlap_cpu = 0.25  # of the hidden exchange that is the CPU's, gloo: 0.19 to 0.26 in three rounds on two full cores
    min_passes = 8  # timed by all ranks after warm-up: fewer say little about their spread

    def detect(self, steps: Steps, gradient_sync: GradientSync, loading: Loading | None) -> Outcome:
        exchanges = gradient_sync.passes_per_step * gradient_sync.synced_share
        if exchanges < self.passes_threshold:
            return Fine(exchanges, self.passes_threshold, "count", "all-reduces per optimizer step")
        if gradient_sync.count < self.min_passes:
            return NotMeasured("Too few gradient all-reduces were timed by all ranks.")
        micro = round(gradient_sync.passes_per_step)
        updates = int(steps.rows["optimized"][~steps.warm].sum())
        too_many = exchanges - 1.0

        def saved(mean_seconds: float) -> float:
            per_step = mean_seconds * too_many * updates / max(steps.count, 1)
            return seconds_saved_by_less_work(steps, loading, per_step, 0.0)

        net, low, high = block_bootstrap((gradient_sync.net_seconds,), float)
        even = evened_out_seconds(gradient_sync.wait_seconds, micro) * micro / max(too_many, 1e-9)
        overlap = float(gradient_sync.overlap_seconds.mean()) if gradient_sync.setting.device == "cpu" else 0.0
        busy = 0.0 if loading is None else max(0.0, 1.0 - loading.idle_cores)
        each = net + even + self.overlap_cpu * busy * overlap
        value = saved(each)
        if value < self.share_threshold * steps.run_seconds:
            share = value / steps.run_seconds
            return Fine(share, self.share_threshold, "share", "run time that fewer all-reduces would save")
        return self.finding(
            location=location(gradient_sync.site),
            evidence=(
                Evidence("backward passes per optimizer step", gradient_sync.passes_per_step, "count"),
                Evidence("all-reduces per optimizer step", exchanges, "count"),
                Evidence("all-reduce time after the last gradient", net, "s"),
                Evidence("time waiting for the slowest rank", even, "s"),
                Evidence("all-reduce CPU time hidden by computation", self.overlap_cpu * busy * overlap, "s"),
                Evidence("gradient size", sum(gradient_sync.bucket_bytes), "B"),
            ),
            gain=gain(
                value,
                steps.run_seconds,
                f"{too_many:.1f} of {exchanges:.1f} all-reduces dropped in each of {updates} optimizer steps, "
                f"{each * 1e3:.1f} ms each",
                low_seconds=saved(low + even),
                high_seconds=saved(high + even + 2 * self.overlap_cpu * busy * overlap),
                step_share=value / max(steps.total_seconds, 1e-9),
            ),
            fix=Fix(
                f"All-reduce once every {micro} backward passes; run the others inside no_sync()",
                "from contextlib import nullcontext\n"
                f"last = (step + 1) % {micro} == 0\n"
                "with nullcontext() if last else model.no_sync():\n"
                "    loss = compute_loss(model(batch))\n"
                "    loss.backward()",
                effort=1,
                risk=0.05,
            ),
            after=limit_after(steps, loading, value / max(steps.count, 1), "the remaining work of the step"),
            removes={"backward": value},
        )
