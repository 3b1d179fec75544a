"""Ranks exchange data while nothing is computed."""

from __future__ import annotations

import math

from ...artifacts.distributed.collectives import Collectives, Place
from ...artifacts.distributed.gradient_sync import GradientSync
from ...artifacts.distributed.meetings import Meetings
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Floats, Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotMeasured, Outcome
from ...diagnosis.laws import block_bootstrap, gain, seconds_saved_by_less_work
from .. import Detector
from .._common import limit_after, location

_BUCKET_BYTES = 25 << 20  # DistributedDataParallel's own choice


class ExposedComm(Detector):
    """A large part of each step is communication between the ranks that no computation hides.

    Why it matters
        While a collective runs in the foreground every rank stands still, and many small collectives pay their latency
        each time.
    How it is measured
        The time in collectives that the program calls (``torch.distributed.all_reduce`` and the like) and, for
        DistributedDataParallel, the time from the last gradient to the end of the all-reduce. The smallest time of all
        ranks counts: the rank that arrives last does not wait, so that waiting for a slow rank is not taken for
        communication. Calls of several sizes separate latency from bandwidth, which prices one call instead of many.
        In imported traces of all ranks: the time of the collectives' kernels that no other kernel of the rank overlaps,
        again of the rank that hides most of it.
    How to fix it
        Send many tensors in one call. DistributedDataParallel does that for gradients, and overlaps it with the
        backward pass. Remove barriers that nothing depends on.
    When to ignore it
        When the network is the limit: communication that is already one call, or DistributedDataParallel's own, is
        listed under "also noticed" without a gain.
    """

    id = "exposed-comm"
    title = "Communication between ranks does not overlap with computation"
    stage = "training"
    share_threshold = 0.10  # of the steps (Kineto)
    many_calls = 4  # of one line in a step: below, there is little to put together
    min_calls = 30  # looked at
    low_share = 0.9  # of what the line through a few sizes says, at least: nothing of what remains is hidden
    hidden_share = 0.5  # of what remains, by a backward pass meanwhile: between nothing of it and all

    def detect(
        self,
        steps: Steps,
        collectives: Collectives | None,
        gradient_sync: GradientSync | None,
        loading: Loading | None,
        meetings: Meetings | None,
    ) -> Outcome:
        if meetings is not None:
            return self._of_traces(steps, meetings)
        behind = self._behind_backward_share(steps, gradient_sync)
        if collectives is None and behind is None:
            return NotMeasured("No communication was recorded by all ranks.")
        called = 0.0
        if collectives is not None and collectives.device == "cpu":  # elsewhere a call only starts the exchange
            called = float(collectives.net_seconds.sum()) / max(steps.total_seconds, 1e-9)
        share = called + (behind or 0.0)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "step time communicating without computing")
        if called >= self.share_threshold and collectives is not None and collectives.places:
            return self._of_calls(steps, collectives, called, loading)
        return self._of_backward(steps, gradient_sync, share)

    def _of_traces(self, steps: Steps, meetings: Meetings) -> Outcome:
        seconds, total = float(meetings.net_seconds.sum()), max(steps.total_seconds, 1e-9)
        if seconds < self.share_threshold * total:
            return Fine(seconds / total, self.share_threshold, "share", "step time communicating without computing")
        most = min(seconds, float(meetings.kernel_seconds.min()))  # what there is to hide it behind
        return self.finding(
            evidence=(
                Evidence("ranks", len(meetings.numbers), "count"),
                Evidence("step time communicating without computing, waits excluded", seconds / total, "share"),
                Evidence("collectives per step", meetings.net_seconds.size / max(steps.count, 1), "count"),
            ),
            gain=gain(
                self.hidden_share * most,
                steps.run_seconds,
                f"{seconds / max(steps.count, 1) * 1e3:.2f} ms of collectives per step, part of it while kernels run",
                low_seconds=0.0,
                high_seconds=most,
                step_share=self.hidden_share * most / total,
                confidence=0.5,
            ),
            fix=Fix(
                "Exchange data while the device computes, or exchange less of it",
                "work = torch.distributed.all_reduce(tensor, async_op=True)\n"
                "...  # compute what does not need the result\nwork.wait()\n"
                "# DistributedDataParallel exchanges gradients during the backward pass; this hook halves them:\n"
                "model.register_comm_hook(None, default_hooks.bf16_compress_hook)",
                effort=2,
                risk=0.2,
            ),
            after="the remaining work of the step becomes the bottleneck",
            removes={"sync": self.hidden_share * most},
        )

    @staticmethod
    def _behind_backward_share(steps: Steps, gradient_sync: GradientSync | None) -> float | None:
        """Share of the steps between the last gradient and the end of DistributedDataParallel's exchange."""
        if gradient_sync is None or not gradient_sync.count:
            return None
        exchanges = (
            gradient_sync.passes_per_step * gradient_sync.synced_share * int(steps.rows["optimized"][~steps.warm].sum())
        )
        return float(gradient_sync.net_seconds.mean()) * exchanges / max(steps.total_seconds, 1e-9)

    def _of_calls(self, steps: Steps, collectives: Collectives, share: float, loading: Loading | None) -> Finding:
        place = collectives.places[0]
        seconds = collectives.seconds(place)
        after = self._seconds_after(place)
        priced = None if after is None else self._priced(steps, place, seconds, after, loading)
        return self.finding(
            location=location(place.site),
            evidence=(
                Evidence("step time in collectives, waits excluded", share, "share"),
                Evidence(f"{place.name} calls from this line per step", place.calls_per_step, "count"),
                Evidence("collective time per step", float(seconds.mean()), "s"),
                Evidence("bytes exchanged per step", place.step_bytes, "B"),
            ),
            gain=priced,
            fix=self._fix(place),
            after=limit_after(steps, loading, float(seconds.mean()), "the remaining work of the step"),
            removes={"sync": priced.seconds} if priced else {},
            hint=priced is None,
        )

    def _fix(self, place: Place) -> Fix:
        calls = max(1, round(place.calls_per_step))
        where = "this line" if place.site is None else f"line {place.site.line}"
        if place.name.endswith("barrier"):
            summary = "Leave this barrier out, or do it where something depends on it"
            snippet = "# collectives wait for each other by themselves: a barrier in each step adds its own time"
        elif calls >= self.many_calls:
            summary = f"Combine the {calls} calls that {where} makes per step into one"
            snippet = (
                "import torch.distributed, torch.nn.parallel\n\n"
                "# gradients: exchanged together, during the backward pass\n"
                "model = torch.nn.parallel.DistributedDataParallel(model)\n"
                "# other tensors: one call for all of them\n"
                "flat = torch.cat([tensor.flatten() for tensor in tensors])\n"
                "torch.distributed.all_reduce(flat)"
            )
        else:
            summary = f"Do what {where} exchanges less often, or while something is computed"
            snippet = (
                "import torch.distributed\n\n"
                "work = torch.distributed.all_reduce(tensor, async_op=True)\n...  # compute what can be\nwork.wait()"
            )
        return Fix(summary, snippet, effort=2, risk=0.05)

    def _seconds_after(self, place: Place) -> float | None:
        """Seconds of a step that remain when the calls are put together; None where this run does not tell."""
        if len(place.net_seconds) < self.min_calls:
            return None
        if place.name.endswith("barrier"):
            return 0.0
        fit = place.latency_and_rate()
        if place.calls_per_step < self.many_calls or fit is None:
            return None
        latency, seconds_per_byte = fit
        return math.ceil(place.step_bytes / _BUCKET_BYTES) * latency + place.step_bytes * seconds_per_byte

    def _priced(self, steps: Steps, place: Place, seconds: Floats, after: float, loading: Loading | None) -> Gain:
        mean, low, high = block_bootstrap((seconds,), float)

        def saved(each: float) -> float:
            return seconds_saved_by_less_work(steps, loading, max(0.0, each), 0.0)

        value = saved(mean - (1.0 - self.hidden_share) * after)
        return gain(
            value,
            steps.run_seconds,
            f"{place.calls_per_step:.1f} calls per step take {mean * 1e3:.1f} ms; combined {after * 1e3:.1f} ms, "
            "part of it while something is computed",
            low_seconds=saved((low - after) * self.low_share),
            high_seconds=saved(high),
            step_share=value / max(steps.total_seconds, 1e-9),
            relative_error=0.05,  # most of the law's error is in low and high
            confidence=0.6,
        )

    def _of_backward(self, steps: Steps, gradient_sync: GradientSync | None, share: float) -> Finding:
        """What DistributedDataParallel does not hide: true, and nothing in the code says how it could be less."""
        sizes = () if gradient_sync is None else gradient_sync.bucket_bytes
        return self.finding(
            location=None if gradient_sync is None else location(gradient_sync.site),
            evidence=(
                Evidence("step time communicating without computing", share, "share"),
                Evidence("gradient size", sum(sizes), "B"),
                Evidence("gradient buckets", len(sizes), "count"),
            ),
            fix=Fix(
                "Communicate less: accumulate more batches per all-reduce, or send gradients in half precision",
                "from torch.distributed.algorithms.ddp_comm_hooks import default_hooks\n"
                "model.register_comm_hook(None, default_hooks.fp16_compress_hook)",
                effort=2,
                risk=0.3,
            ),
            hint=True,
        )
