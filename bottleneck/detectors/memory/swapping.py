"""The run's memory is on a disk: steps wait until it is read back."""

from __future__ import annotations

from ...artifacts.loading.loader import Loader
from ...artifacts.memory.swap import Swap
from ...artifacts.training.steps import Steps
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from ...diagnosis.laws import gain
from .. import Detector
from .._common import loader_edit, location
from ._shared import spread

LESS_MEMORY = Fix(
    "Use less memory: read data when a batch needs it, or use a smaller batch",
    "data = np.load(path, mmap_mode='r')  # in the page cache",
    effort=4,
    risk=0.1,
)


class Swapping(Detector):
    """Memory has run out, and pages that the steps need are read back from swap.

    Why it matters
        Reading one page from swap takes as long as thousands of memory accesses, and blocks the thread that touches
        it.
    How it is measured
        Major page faults of the run's processes, and what the machine read back from swap in the meantime, both during
        the steps. Faults without swap are reads of mapped files: that is storage, not swapping. The cost of a fault
        comes from this run: steps are slower where there are more faults. If all windows are alike there is no price,
        and it is listed under "also noticed".
    How to fix it
        Use less memory: fewer workers, fewer prefetched batches, a smaller batch; or give the run more memory.
    When to ignore it
        When another program took the memory and has ended by now.
    """

    id = "swapping"
    title = "Steps wait for memory that was swapped out"
    stage = "training"
    explains = ("memory-thrash", "input-wait", "memory-near-limit")
    min_bytes_per_second = float(1 << 20)  # read back from swap (gpuprof)
    min_faults_per_second = 100.0  # of this run (own)
    min_swapped_share = 0.5  # of these faults, from swap: else most of them read mapped files
    min_lost_share = 0.02  # of the run

    def detect(self, steps: Steps, swap: Swap, loader: Loader | None) -> Outcome:
        if not steps.judgeable:
            return NotMeasured("Too few steps to judge swapping.")
        if swap.bytes_per_second < self.min_bytes_per_second:
            return Fine(swap.bytes_per_second, self.min_bytes_per_second, "B/s", "swap-in rate")
        if swap.faults_per_second < self.min_faults_per_second:
            return Fine(swap.faults_per_second, self.min_faults_per_second, "1/s", "major page faults per second")
        if swap.swapped_share < self.min_swapped_share:
            return Fine(swap.swapped_share, self.min_swapped_share, "share", "share of major page faults from swap")
        lost = swap.lost_seconds
        if lost is not None and lost < self.min_lost_share * steps.run_seconds:
            return Fine(lost / steps.run_seconds, self.min_lost_share, "share", "step time lost to swap-in")
        return self._finding(steps, swap, loader, lost)

    def _finding(self, steps: Steps, swap: Swap, loader: Loader | None, lost: float | None) -> Finding:
        evidence = [
            Evidence("swap-in rate", swap.bytes_per_second, "B/s"),
            Evidence("major page faults per second", swap.faults_per_second, "1/s"),
            Evidence("share of major page faults from swap", swap.swapped_share, "share"),
        ]
        priced = None
        if lost is not None and swap.fault_seconds is not None:
            evidence.append(Evidence("time per major page fault", swap.fault_seconds, "s"))
            priced = gain(
                lost,
                steps.run_seconds,
                f"T' = T - {swap.faults_per_step * swap.swapped_share:.0f} faults x "
                f"{swap.fault_seconds * 1e6:.0f} us per step",
                step_share=lost / swap.loop_seconds,
                relative_error=0.22,  # the price is a slope between windows
                confidence=0.6,
            )
        if swap.simulated:
            evidence.append(Evidence("host readings", "simulated"))
        workers = loader.num_workers if loader is not None else 0
        return self.finding(
            location=location(loader.site) if loader is not None and workers else None,
            evidence=tuple(evidence),
            gain=priced,
            fix=_fewer_workers(loader) if loader is not None and workers else LESS_MEMORY,
            after="the training work becomes the bottleneck, with no wait for the disk",
            removes={} if lost is None else spread(steps, lost),
        )


def _fewer_workers(loader: Loader) -> Fix:
    half = max(1, loader.num_workers // 2)
    return Fix(
        "Use less memory: fewer workers, fewer prefetched batches, or a smaller batch",
        f"DataLoader(..., num_workers={half}, prefetch_factor=2)",
        effort=1,
        risk=0.1,
        edit=loader_edit(loader.site, num_workers=half) if half < loader.num_workers else None,
    )
