"""Steps that spend their time getting and giving back memory."""

from __future__ import annotations

from ... import prediction
from ...findings import Evidence, Finding, Fine, Fix, Location
from ...timeline.steps import Steps
from ...timeline.thrash import Thrash
from .. import Detector
from ._shared import ENVIRONMENT, LOST_SHARE, MIN_FRESH_BYTES, OWN_SHARE, fault_seconds, where

_ENVIRONMENT = Fix("Start the program so that the allocator keeps freed memory", f"{ENVIRONMENT} python ...", effort=1)
_REUSE = Fix(
    "Allocate large temporaries once and reuse them",
    "# in place of c = a * b, for example:\n"
    "buffer = torch.empty_like(a)            # once, before the loop\n"
    "torch.mul(a, b, out=buffer)             # in the loop: no fresh memory\n"
    "# without touching the code: keep freed memory in the process\n"
    f"# {ENVIRONMENT}",
    effort=2,
    risk=0.1,
)


class MemoryThrash(Detector):
    """Each step takes fresh memory from the kernel and gives it back, and pays a page fault for every 4 KiB of it.

    Why it matters
        Large temporaries are mapped, zeroed, faulted in and unmapped again: kernel time, in which nothing is computed.
    How it is measured
        Minor page faults per step and kernel CPU time of the training process during the steps, after warm-up and
        outside evaluations. The gain is that kernel time, as a share of the wall time. Major faults and swap-in are
        shown where they happen.
    How to fix it
        Allocate once and reuse (``out=``, in-place operations, a preallocated buffer), or let the allocator keep
        freed memory (``MALLOC_MMAP_THRESHOLD_``, ``MALLOC_TRIM_THRESHOLD_``, jemalloc).
        Where the model's own layers and gradients take the memory, only the environment helps: that is a hint, no
        finding.
    When to ignore it
        When the kernel time is spent on input and output, not on memory: then faults per step are few.
    """

    id = "memory-thrash"
    title = "Memory is taken from the kernel and given back in every step"
    stage = "training"
    explains = ("residual-python",)
    lost_threshold_share = LOST_SHARE
    min_fresh_bytes = MIN_FRESH_BYTES
    swap_threshold_bytes_per_second = float(1 << 20)
    own_threshold_share = OWN_SHARE

    def detect(self, steps: Steps, thrash: Thrash) -> Finding | Fine:
        if not steps.judgeable:
            return Fine(steps.all_count, None, "count", "too few steps to judge memory traffic")
        if thrash.fresh_bytes < self.min_fresh_bytes:
            return Fine(thrash.fresh_bytes, self.min_fresh_bytes, "B", "fresh memory per step")
        lost = fault_seconds(steps, thrash)
        share = lost / max(thrash.loop_seconds, 1e-9)
        if share < self.lost_threshold_share:
            return Fine(share, self.lost_threshold_share, "share", "kernel time of page faults in the steps")
        evidence = [
            Evidence("page faults per step", thrash.faults, "count"),
            Evidence("fresh memory per step", thrash.fresh_bytes, "B"),
            Evidence("kernel time in the steps", thrash.system_seconds, "s"),
            Evidence("share of the loop", thrash.lost_share, "share"),
        ]
        if thrash.major_faults >= 1:
            evidence.append(Evidence("faults that waited for the disk, per step", thrash.major_faults, "count"))
        swap = thrash.swap_in_bytes_per_second
        if swap is not None and swap > self.swap_threshold_bytes_per_second:
            evidence.append(Evidence("read back from swap", swap, "B/s"))
        site = thrash.site
        hint = thrash.own_share < self.own_threshold_share
        gain = prediction.gain(
            lost,
            steps.run_seconds,
            f"kernel time of {thrash.faults:.0f} page faults a step, {lost / steps.count * 1e3:.1f} ms of "
            f"{thrash.loop_seconds / steps.count * 1e3:.1f} ms",
            step_share=share,
            relative_error=0.22,  # user time spent on cold pages comes on top, what I/O costs goes off
            confidence=0.8,
        )
        return Finding(
            detector=self.id,
            title=self.title,
            stage="training",
            evidence=tuple(evidence),
            fix=_ENVIRONMENT if hint else _REUSE,
            location=Location(site.file, site.line, site.function) if site is not None and not hint else None,
            gain=gain,
            detected_by=0.6 if hint else 1.0,
            after="the rest of the step",
            removes=where(steps, thrash, lost),
            hint=hint,
        )
