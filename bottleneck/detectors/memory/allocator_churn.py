"""Large temporaries that every step takes from the kernel and gives back."""

from __future__ import annotations

from ... import prediction
from ...findings import Evidence, Finding, Fine, Fix
from ...timeline.steps import Steps
from ...timeline.thrash import Thrash
from .. import Detector
from ..loading._shared import location
from ._shared import ENVIRONMENT, LOST_SHARE, MIN_FRESH_BYTES, OWN_SHARE, fault_seconds, where


class AllocatorChurn(Detector):
    """Your own expressions make large arrays in every step, and the kernel hands out fresh memory for each of them.

    Why it matters
        The allocator gives large blocks back as soon as they are freed. The next one is mapped, cleared, and faulted in
        page by page: kernel time, in which nothing is computed.
    How it is measured
        Minor page faults per step and kernel CPU time of the training process during the steps, after warm-up and
        outside evaluations; sampled stacks name the line, and tell your own expressions from the model's layers. The
        gain is that kernel time, as far as so many faults can cost it.
    How to fix it
        Allocate once and reuse (``out=``, in-place operations, a preallocated buffer), or let the allocator keep freed
        memory (``MALLOC_MMAP_THRESHOLD_`` and ``MALLOC_TRIM_THRESHOLD_``, jemalloc, tcmalloc).
    When to ignore it
        When the arrays must be new ones, because somebody keeps them.
    """

    id = "allocator-churn"
    title = "Large temporaries are allocated anew in every step"
    stage = "training"
    explains = ("memory-thrash", "residual-python")
    lost_threshold_share = LOST_SHARE
    min_fresh_bytes = MIN_FRESH_BYTES
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
        if thrash.own_share < self.own_threshold_share or thrash.site is None:
            return Fine(thrash.own_share, self.own_threshold_share, "share", "running time in your own expressions")
        evidence = (
            Evidence("page faults per step", thrash.faults, "count"),
            Evidence("fresh memory per step", thrash.fresh_bytes, "B"),
            Evidence("kernel time in the steps", thrash.system_seconds, "s"),
            Evidence("share of the loop", thrash.lost_share, "share"),
            Evidence("running time in your own expressions", thrash.own_share, "share"),
        )
        return Finding(
            detector=self.id,
            title=self.title,
            stage=self.stage,
            location=location(thrash.site),
            evidence=evidence,
            gain=prediction.gain(
                lost,
                steps.run_seconds,
                f"kernel time of {thrash.faults:.0f} page faults a step, {lost / steps.count * 1e3:.1f} ms of "
                f"{thrash.loop_seconds / steps.count * 1e3:.1f} ms",
                step_share=share,
                relative_error=0.22,  # user time spent on cold pages comes on top, what I/O costs goes off
            ),
            fix=Fix(
                "Allocate large temporaries once and reuse them",
                "# in place of c = a * b, for example:\n"
                "buffer = torch.empty_like(a)            # once, before the loop\n"
                "torch.mul(a, b, out=buffer)             # in the loop: no fresh memory; numpy has out= too\n"
                "# without touching the code: keep freed memory in the process\n"
                f"# {ENVIRONMENT}",
                effort=2,
                risk=0.1,
            ),
            after="the rest of the step",
            removes=where(steps, thrash, lost),
        )
