"""Steps that spend their time getting and giving back memory."""

from __future__ import annotations

from ...artifacts.memory.swap import Swap
from ...artifacts.memory.thrash import Thrash
from ...artifacts.training.steps import Steps
from ...diagnosis import laws as prediction
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from .. import Detector
from .._common import location
from ._shared import ENVIRONMENT, LOST_SHARE, MIN_FRESH_BYTES, OWN_SHARE, fault_seconds, spread, where
from .allocator_churn import REUSE
from .swapping import LESS_MEMORY

_ENVIRONMENT = Fix(
    "Start the program with an allocator that keeps freed memory",
    ENVIRONMENT.replace(" ", " \\\n") + " \\\npython ...",
    effort=1,
)
_FREEZE = Fix(
    "Exclude long-lived objects from garbage collection with gc.freeze()",
    "import gc\n\ngc.collect()\ngc.freeze()   # after the data is loaded, before the loop",
    effort=1,
)


class MemoryThrash(Detector):
    """The steps lose time to memory: page faults, swapped pages, or Python's garbage collector.

    Why it matters
        Memory that is mapped, zeroed, faulted in and unmapped again, read back from disk or searched for garbage takes
        time in which nothing is computed.
    How it is measured
        Kernel CPU time of the training process's page faults during the steps, after warm-up and outside evaluations;
        the cost of swap-in faults from this run's own windows; the time of full garbage collections that Python starts
        by itself. The gain is their sum. If one of them is all of it and has a more specific detector, allocator-churn
        or swapping is reported instead.
    How to fix it
        Fix the largest part. If the model's own layers and gradients take new memory in each step, only the
        allocator's settings help (``MALLOC_MMAP_THRESHOLD_``, ``MALLOC_TRIM_THRESHOLD_``, jemalloc): that is a hint,
        not a finding. If the collector scans a large data set again and again, use ``gc.freeze()``.
    When to ignore it
        When the kernel time is spent on I/O, not on memory: then there are few faults per step.
    """

    id = "memory-thrash"
    title = "Steps lose time allocating and freeing memory"
    stage = "training"
    explains = ("residual-python",)
    lost_threshold_share = LOST_SHARE
    min_fresh_bytes = MIN_FRESH_BYTES
    swap_threshold_bytes_per_second = float(1 << 20)
    own_threshold_share = OWN_SHARE

    def detect(self, steps: Steps, thrash: Thrash, swap: Swap | None) -> Outcome:
        if not steps.judgeable:
            return NotMeasured("Too few steps to judge memory traffic.")
        swaps = swap is not None and swap.bytes_per_second > self.swap_threshold_bytes_per_second
        parts = {
            "page faults": fault_seconds(steps, thrash) if thrash.fresh_bytes >= self.min_fresh_bytes else 0.0,
            "pages from swap": (swap.lost_seconds or 0.0) if swap is not None and swaps else 0.0,
            "full collections": thrash.collecting_seconds or 0.0,
        }
        lost = min(sum(parts.values()), thrash.loop_seconds)
        share = lost / max(thrash.loop_seconds, 1e-9)
        if share < self.lost_threshold_share:
            return Fine(
                share, self.lost_threshold_share, "share", "step time lost to page faults, swap and garbage collection"
            )
        return self._finding(steps, thrash, swap if swaps else None, parts, lost)

    def _finding(
        self, steps: Steps, thrash: Thrash, swap: Swap | None, parts: dict[str, float], lost: float
    ) -> Finding:
        """``parts``: what -> seconds lost to it; ``lost``: in all."""
        largest = max(parts, key=lambda name: parts[name])
        faults = largest == "page faults"
        hint = faults and thrash.own_share < self.own_threshold_share
        fixes = {"page faults": _ENVIRONMENT if hint else REUSE, "pages from swap": LESS_MEMORY}
        spent = ", ".join(f"{seconds:.2f} s {name}" for name, seconds in parts.items() if seconds > 0)
        return self.finding(
            location=location(thrash.site) if faults and not hint else None,
            evidence=self._evidence(thrash, parts, swap),
            gain=prediction.gain(
                lost,
                steps.run_seconds,
                f"{spent} of {thrash.loop_seconds:.2f} s; {thrash.faults_per_step:.0f} page faults per step",
                low_seconds=lost - 0.5 * parts["full collections"],  # young objects are still looked through
                step_share=lost / max(thrash.loop_seconds, 1e-9),
                relative_error=0.22,  # user time spent on cold pages comes on top, what I/O costs goes off
            ),
            fix=fixes.get(largest, _FREEZE),
            detected_by=1.0 if faults and not hint else 0.6,
            after="the rest of the step becomes the bottleneck",
            removes=where(steps, thrash, lost) if faults else spread(steps, lost),
            hint=hint,
        )

    def _evidence(self, thrash: Thrash, parts: dict[str, float], swap: Swap | None) -> tuple[Evidence, ...]:
        evidence = [
            Evidence("page faults per step", thrash.faults_per_step, "count"),
            Evidence("newly mapped memory per step", thrash.fresh_bytes, "B"),
            Evidence("kernel time in the steps", thrash.system_seconds, "s"),
            Evidence("share of the loop lost", thrash.lost_share, "share"),
        ]
        if thrash.major_faults_per_step >= 1:
            evidence.append(Evidence("major page faults per step", thrash.major_faults_per_step, "count"))
        if swap is not None:
            evidence.append(Evidence("swap-in rate", swap.bytes_per_second, "B/s"))
        if parts["full collections"] > 0:
            evidence.append(Evidence("time in full garbage collections", parts["full collections"], "s"))
        return tuple(evidence)
