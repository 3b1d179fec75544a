"""A stall that comes back every so many steps."""

from __future__ import annotations

from ...artifacts.loading.loading import Loading
from ...artifacts.training.jitter import Jitter
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import MAX_TIMES_RARER, limit_after, location
from ._shared import seconds_saved_by_rarer, times_rarer


class StepJitter(Detector):
    """Every few steps one takes far longer than the others, because of your own code.

    Why it matters
        A mean hides it: each stall costs as much as several steps, and with several ranks all of them wait for it.
    How it is measured
        Steps of more than twice the median that lie far outside the variation of the others, at regular intervals;
        sampled stacks within them, between the phases, name the line. Evaluations, checkpoints, logs and the wait for
        data are left to their own detectors. A stall in which the thread neither ran nor slept, as on a busy machine,
        is not blamed on any line. A loop without a DataLoader is not judged: what looks like a stall may be loading
        its next batches.
    How to fix it
        Do it less often, make it cheaper, or let a background thread do what only waits.
    When to ignore it
        When the work has to be done this often.
    """

    id = "step-jitter"
    title = "A stall recurs every few steps"
    stage = "training"
    explains = ("residual-python",)
    min_stalls = 10  # fewer are no rhythm (SageMaker Debugger: more than 10 outliers)
    share_threshold = 0.10  # of the steps: work moved to every k-th step is how one makes it cheap
    regular_threshold = 0.7  # of the distances between stalls that are the same
    place_share_threshold = 0.5  # of the stalls' excess that samples find in one place
    min_sampled_seconds = 0.2  # there: fewer samples name nothing
    target_share = 0.02  # of the run: what the work may still cost

    def detect(self, steps: Steps, jitter: Jitter, loading: Loading | None) -> Outcome:
        if jitter.stalls < self.min_stalls:
            return Fine(jitter.stalls, self.min_stalls, "count", "stalled steps")
        if jitter.share < self.share_threshold:
            return Fine(jitter.share, self.share_threshold, "share", "step time lost in stalls")
        if jitter.regular_share < self.regular_threshold or jitter.period < 2:
            return Fine(jitter.regular_share, self.regular_threshold, "share", "stalls at regular intervals")
        place = jitter.place
        here = jitter.place_seconds
        share = min(1.0, here / max(jitter.excess_seconds, 1e-9))
        if place is None or share < self.place_share_threshold or here < self.min_sampled_seconds:
            return Fine(share, self.place_share_threshold, "share", "stalls in one place of your code")
        all_of_it = jitter.call_seconds
        times = times_rarer(all_of_it / steps.run_seconds, self.target_share, min(MAX_TIMES_RARER, jitter.stalls))
        rarer = jitter.stalls * (1 - 1 / times)
        saved = seconds_saved_by_rarer(steps, loading, all_of_it * (1 - 1 / times), rarer, place.cpu_share)
        name = f"line {place.frame.line}" if place.function is None else place.function.rpartition(".")[2]
        return self.finding(
            location=location(place.frame),
            evidence=(
                Evidence("steps between stalls", jitter.period, "count"),
                Evidence("stalls", jitter.stalls, "count"),
                Evidence("typical step time", jitter.typical_seconds, "s"),
                Evidence("extra time per stall", jitter.excess_seconds / jitter.stalls, "s"),
                Evidence("share of stall time at this line", share, "share"),
                Evidence("step time lost in stalls", jitter.share, "share"),
            ),
            gain=gain(
                saved,
                steps.run_seconds,
                f"(mean - median) of the steps, {here:.2f} s of it in {name}; done {times} times less often",
                low_seconds=0.85 * saved * here / max(all_of_it, 1e-9),
                high_seconds=max(saved, all_of_it),
                step_share=saved / max(steps.total_seconds, 1e-9),
            ),
            fix=Fix(
                f"{name} stalls one step in {jitter.period}: do it {times} times less often, or not at all",
                f"# line {place.call.line}: now every {jitter.period} steps; do it every {jitter.period * times}",
                effort=1,
                risk=0.1,
            ),
            after=limit_after(steps, loading, saved / max(steps.count, 1), "the remaining work of the step"),
            removes={"other": saved},
        )
