"""Operations on the CPU that use fewer threads than there are cores, or more."""

from __future__ import annotations

from ...artifacts.loading.loading import Loading
from ...artifacts.training.intraop import IntraOp
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import gain, seconds_saved_by_less_work
from .. import Detector
from .._common import limit_after, location


class IntraOpThreads(Detector):
    """torch computes on the CPU with fewer threads than there are cores while some are idle, or with more threads.

    Why it matters
        Large operations are split over threads; a thread count that was set for another machine, or for a test, stays
        in the script and leaves cores idle. Too many threads take turns and wait for each other in every operation.
    How it is measured
        torch is asked for its thread count in a backward pass about ten steps into the run, and again much later; the
        operations of one step are counted in autograd's graph. It is reported when an operation takes long enough to
        be split and cores were idle during the steps, or other programs used them. The gain is Amdahl's law for the
        forward and backward pass; how well they scale is not measured, so the range is wide. Too many threads have no
        price: they are listed under "also noticed".
    How to fix it
        Remove the line that sets the thread count, or set it to the number of cores that the process has.
    When to ignore it
        When cores are kept free for another program, or results must not depend on the order of sums.
    """

    id = "intra-op-threads"
    title = "Operations use fewer threads than there are cores"
    stage = "training"
    #: CPU of one on average. Own measurement: at 0.16 ms two threads were 1.7 times as fast, at 0.04 ms 1.3 times, at
    #: 0.02 ms no faster; a mean far above that leaves room for a few large ones among many small.
    min_operation_seconds = 0.002
    min_idle_cores = 0.5  # during the steps, or obtainable from other programs
    min_gain_share = 0.05  # of the step
    scaling = 0.75  # of an additional core, that operations turn into speed; own measurement, and its range
    least_scaling, most_scaling = 0.4, 1.0
    max_runnable = 1.5  # threads for each core (own)

    def detect(self, steps: Steps, intraop: IntraOp, loading: Loading | None) -> Outcome:
        cores = max(1, int(intraop.cores))
        crowd = intraop.runnable_threads / intraop.cores
        if intraop.threads > cores and crowd >= self.max_runnable:
            return self._too_many(intraop, cores)
        more = min(cores - intraop.threads, intraop.obtainable_cores)
        if intraop.threads >= cores:
            return Fine(intraop.threads, cores, "count", "threads per operation; threshold: cores")
        if more < self.min_idle_cores:
            return Fine(max(0.0, more), self.min_idle_cores, "cores", "cores that more threads would get")
        if not intraop.operations:
            return NotMeasured("The operations of a step could not be counted: autograd runs them as one node.")
        if intraop.operation_seconds < self.min_operation_seconds:
            return Fine(
                intraop.operation_seconds, self.min_operation_seconds, "s", "time per operation: too short to split"
            )

        def saved(scaling: float) -> float:
            faster = 1.0 + scaling * more / intraop.threads
            return seconds_saved_by_less_work(steps, loading, intraop.computing_seconds * (1.0 - 1.0 / faster), 0.0)

        value = saved(self.scaling)
        share = value / steps.total_seconds
        if share < self.min_gain_share:
            return Fine(share, self.min_gain_share, "share", "step time that more threads would save")
        return self.finding(
            location=location(intraop.site),
            evidence=(
                Evidence("threads per operation", intraop.threads, "count"),
                Evidence("cores", cores, "cores"),
                Evidence("cores that more threads would get", round(intraop.obtainable_cores, 1), "cores"),
                Evidence("operations per backward pass", intraop.operations, "count"),
                Evidence("mean time per operation", intraop.operation_seconds, "s"),
                Evidence("forward and backward time per step", intraop.computing_seconds, "s"),
            ),
            gain=gain(
                value,
                steps.run_seconds,
                f"Amdahl: forward and backward, {intraop.computing_seconds * 1e3:.1f} ms per step, "
                f"on {1 + more:.1f} cores; {self.scaling:.0%} of the additional cores "
                f"turned into speed ({self.least_scaling:.0%} to 100%)",
                low_seconds=saved(self.least_scaling),
                high_seconds=saved(self.most_scaling),
                step_share=share,
                relative_error=0.0,  # the range holds it
                confidence=0.4,
            ),
            fix=Fix(
                f"Let each operation use {cores} threads",
                f"torch.set_num_threads({cores})  # or remove the line: torch then uses all cores",
                effort=1,
                risk=0.1,  # the order of sums changes, and with it the last digits
            ),
            after=limit_after(steps, loading, value / max(steps.count, 1), "training on all cores"),
            removes={"forward": value / 3, "backward": 2 * value / 3},
        )

    def _too_many(self, intraop: IntraOp, cores: int) -> Finding:
        return self.finding(
            title="Operations use more threads than there are cores",
            location=location(intraop.site),
            evidence=(
                Evidence("threads per operation", intraop.threads, "count"),
                Evidence("cores", intraop.cores, "cores"),
                Evidence("runnable threads (run queue)", round(intraop.runnable_threads, 1), "count"),
            ),
            fix=Fix(
                f"Let each operation use {cores} thread{'s' if cores > 1 else ''}, one per core",
                f"torch.set_num_threads({cores})",
                effort=1,
                risk=0.1,
            ),
            hint=True,
        )
