"""One rank is late in nearly every step, and all others wait for it."""

from __future__ import annotations

import numpy as np

from ...artifacts.distributed.ranks import Ranks
from ...artifacts.loading.loader import Loader
from ...artifacts.loading.loading import Loading
from ...artifacts.training.steps import Floats, Steps
from ...diagnosis.findings import Changes, Evidence, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import block_bootstrap, gain, step_model
from .. import Detector
from .._common import location


class Straggler(Detector):
    """One rank has more work than the others, or is slower, and the others wait for it in the all-reduce.

    Why it matters
        A distributed step takes as long as its slowest rank. The wait shows up as backward time on the fast ranks and
        looks like computation there.
    How it is measured
        The steps of all ranks side by side. The rank that arrives last at the all-reduce waits least; the backward
        passes of the others are longer by their wait. The gain is the distance from the slowest rank to the mean: the
        same work, evenly distributed. Where the ranks wait for cores longer than one of them is late, as beside other
        programs, it counts only if the call stacks show that it has more work: it runs longer, or is blocked longer.
        In imported traces of all ranks: a collective ends on all ranks at once, so its shortest kernel is that of the
        rank that arrives last. The extra time of the others is their wait, unless another kernel runs meanwhile.
    How to fix it
        Distribute the data so that every rank gets the same work. If the late rank is blocked rather than running,
        find out what it alone waits for. If loading makes it late and workers would hide all of the loading, add
        workers first: that is one argument, and it removes the whole lag.
    When to ignore it
        When the late rank changes from step to step: that is chance, and it is not reported.
    """

    id = "straggler"
    title = "All other ranks wait for one slow rank"
    stage = "training"
    explains = ("input-wait",)
    impact_threshold = 0.10  # of the step (TraceML)
    late_steps_threshold = 0.60  # of the steps in which it is that rank (gpuprof)
    lead_share = 0.05  # of the step: less in one step is chance
    seen_waiting_share = 0.5  # of its lead that a rank is seen to wait: else nothing makes the ranks meet
    input_share = 0.5  # of the lead in loading: then it is loading
    extra_work_share = 0.2  # of its work, where waiting for cores could make it late: equal ranks differ by an eighth
    kernels_share = 0.5  # of the lead in kernels: with less, it is not the device that is late
    blocked_share = 0.5  # of the lead that the late rank is seen blocked: then it has no more to do than the others

    def detect(self, steps: Steps, ranks: Ranks, loader: Loader | None, loading: Loading | None) -> Outcome:
        if not steps.judgeable:
            return NotMeasured("Too few steps to compare ranks.")
        own, late = ranks.own_seconds, ranks.late
        others = np.delete(own, late, axis=0)
        usual = float(np.median(others.mean(axis=1)))
        lead = float(own[late].mean()) - usual
        step = float((own + ranks.wait_seconds).mean(axis=1).max())
        if lead < self.impact_threshold * step:
            return Fine(
                max(0.0, lead / step), self.impact_threshold, "share", "share of a step by which one rank is late"
            )
        if lead < ranks.core_wait_seconds and not ranks.extra_work_share >= self.extra_work_share:
            return self._late_for_lack_of_cores(ranks.extra_work_share)
        waited = float(np.median(np.delete(ranks.wait_seconds, late, axis=0).mean(axis=1)))
        if waited < self.seen_waiting_share * lead:
            return Fine(waited / lead, self.seen_waiting_share, "share", "share of its lead that a rank spends waiting")
        often = float((own[late] - others.max(axis=0) > self.lead_share * step).mean())
        last = "steps in which this rank is last"
        if ranks.meetings is not None:  # of a few steps
            often, last = ranks.meetings.last_share, "share of the others' waiting that is for this rank"
        if often < self.late_steps_threshold:
            return Fine(often, self.late_steps_threshold, "share", "steps in which the same rank is last")

        value, low, high = _bootstrap(own, late)
        if ranks.meetings is not None:
            whole = steps.count / own.shape[1]  # the first step is left out
            value, low, high = value * whole, low * whole, high * whole
            low = min(low, value * (1.0 - ranks.meetings.largest_share))
        loading_lead = float(
            ranks.input_seconds[late].mean() - np.median(np.delete(ranks.input_seconds, late, axis=0).mean(axis=1))
        )
        feeds = loading_lead >= self.input_share * lead
        number = ranks.numbers[late]
        blocked, computed = (_lead(each, late) / lead for each in (ranks.blocked_seconds, ranks.kernel_seconds))
        shares = {"in data loading": loading_lead / lead, "blocked": blocked, "in its kernels": computed}
        evidence = [
            Evidence("ranks", len(ranks.numbers), "count"),
            Evidence(f"own work of rank {number} per step", float(own[late].mean()), "s"),
            Evidence("own work of the other ranks per step", usual, "s"),
            *(
                Evidence(f"share of the lag spent {what}", max(0.0, min(1.0, share)), "share")
                for what, share in shares.items()
                if not np.isnan(share)
            ),
            Evidence(last, often, "share"),
        ]
        return self.finding(
            title=f"All other ranks wait for rank {number}",
            location=location(loader.site if loader is not None else None),
            evidence=tuple(evidence),
            gain=gain(
                value,
                steps.run_seconds,
                f"T' = mean own work of the ranks, {own.mean() * 1e3:.1f} ms, instead of that of rank {number}, "
                f"{own[late].mean() * 1e3:.1f} ms",
                low_seconds=low,
                high_seconds=high,
                step_share=value / max(steps.total_seconds, 1e-9),
                relative_error=0.2,
                confidence=0.6,
            ),
            fix=self._fix(number, feeds, blocked >= self.blocked_share, computed < self.kernels_share),
            after="each rank's own work becomes the bottleneck",
            removes={"data_wait" if feeds else "forward": value},
            changes=_less_loading(steps, loading, value) if feeds else None,
        )

    def _late_for_lack_of_cores(self, extra: float) -> Outcome:
        if np.isnan(extra):
            return NotMeasured(
                "The ranks wait for cores longer than one of them is late, and no call stacks were sampled."
            )
        return Fine(
            max(0.0, extra), self.extra_work_share, "share", "work that only the late rank has; it waits for a core"
        )

    @staticmethod
    def _fix(number: int, feeds: bool, waits: bool, on_host: bool) -> Fix:
        """Uneven work, where the late rank is not seen waiting for anything: it is what its user can change."""
        does = "loads" if feeds else "computes"
        if on_host and not feeds:
            return Fix(
                f"Find out where the host of rank {number} takes longer than the others: its kernels take no longer",
                f"# bottleneck run on rank {number} shows its lines; other programs on its cores can also delay it",
                effort=4,
                risk=0.1,
            )
        if waits:
            return Fix(
                f"Find out what rank {number} waits for: it {does} longer than the others, and is blocked",
                f"# rank {number}: its storage, its network, its locks; or its part of the data, from afar",
                effort=4,
                risk=0.1,
            )
        return Fix(
            f"Balance the work: rank {number} {does} longer than the others",
            "# every rank takes every n-th item, not a block of its own:\n"
            "sampler = torch.utils.data.DistributedSampler(dataset, shuffle=True)\n"
            "# or, in a sampler of your own:\n"
            "mine = indices[rank::world_size]",
            effort=2,
            risk=0.1,
        )


def _less_loading(steps: Steps, loading: Loading | None, seconds: float) -> Changes | None:
    """The late rank's own loading cut down to the mean of all, for the plan: workers may have hidden it by then."""
    if loading is None:
        return None
    each = seconds / max(steps.count, 1)
    return Changes(
        step_model(loading, steps), load_seconds=-each, load_cpu_seconds=-each * (1.0 - loading.blocked_share)
    )


def _lead(seconds: Floats, late: int) -> float:
    """By how much the late rank's value is above that of the others."""
    return float(seconds[late] - np.median(np.delete(seconds, late)))


def _bootstrap(own: Floats, late: int) -> tuple[float, float, float]:
    """(value, P10, P90) of the seconds that the latest rank is behind the mean of all, over the steps."""
    mine, mean = own[late], own.mean(axis=0)
    return block_bootstrap((np.maximum(mine - mean, 0.0),), lambda behind: behind * len(mine))
