"""Large temporaries that every step takes from the kernel and gives back."""

from __future__ import annotations

from ...artifacts.memory.device_memory import DeviceMemory
from ...artifacts.memory.thrash import Thrash
from ...artifacts.training.steps import Steps
from ...diagnosis import laws as prediction
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, NotMeasured, Outcome
from .. import Detector
from .._common import location
from ._shared import ENVIRONMENT, LOST_SHARE, MIN_FRESH_BYTES, OWN_SHARE, fault_seconds, where

REUSE = Fix(
    "Allocate large temporaries once and reuse them",
    "# in place of c = a * b, for example:\n"
    "buffer = torch.empty_like(a)  # once, before the loop\n"
    "torch.mul(a, b, out=buffer)   # in the loop; numpy has out= too\n"
    "# without touching the code: keep freed memory in the process\n"
    "# " + ENVIRONMENT.replace(" ", "\n# "),
    effort=2,
    risk=0.1,
)
_DEVICE = Fix(
    "Let torch's allocator keep its memory: no empty_cache() in the loop, expandable segments",
    "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True python ...\n"
    "# and batches padded to a few fixed lengths: each new shape needs blocks of its own",
    effort=1,
)


class AllocatorChurn(Detector):
    """Your code creates large arrays in every step, and the kernel maps new memory for each of them.

    Why it matters
        The allocator returns large blocks to the kernel as soon as they are freed. The next one is mapped, zeroed and
        faulted in page by page: kernel time in which nothing is computed.
    How it is measured
        Minor page faults per step and kernel CPU time of the training process during the steps, after warm-up and
        outside evaluations. Sampled stacks name the line, and tell your own expressions from the model's layers. The
        gain is that kernel time, as far as that many faults can cost it. On CUDA, torch's allocator is asked now and
        then whether it had to release its cache and retry, or returns blocks to the driver in the loop: that cost is
        not timed, so it is listed under "also noticed".
    How to fix it
        Allocate once and reuse (``out=``, in-place operations, a preallocated buffer), or let the allocator keep freed
        memory (``MALLOC_MMAP_THRESHOLD_`` and ``MALLOC_TRIM_THRESHOLD_``, jemalloc, tcmalloc). On CUDA: no
        ``empty_cache()`` in the loop, ``expandable_segments:True``, batches of a few fixed shapes.
    When to ignore it
        When the arrays must be new because something keeps them.
    """

    id = "allocator-churn"
    title = "Large temporaries are reallocated in every step"
    stage = "training"
    explains = ("memory-thrash", "residual-python")
    lost_threshold_share = LOST_SHARE
    min_fresh_bytes = MIN_FRESH_BYTES
    own_threshold_share = OWN_SHARE
    min_retries = 1  # of torch's allocator after warm-up (TraceML): each stops the device
    min_device_frees = 0.1  # blocks given back to the driver, per step: a settled allocator gives none

    def detect(self, steps: Steps, thrash: Thrash, device: DeviceMemory | None) -> Outcome:
        host = self._on_host(steps, thrash)
        if isinstance(host, Finding) or device is None or not steps.judgeable:
            return host
        frees = device.device_frees / steps.count
        if device.retries < self.min_retries and frees < self.min_device_frees:
            return host
        evidence = [
            Evidence("allocator retries after releasing its cache", device.retries, "count"),
            Evidence("blocks returned to the driver per step", frees, "count"),
            Evidence("blocks taken from the driver per step", device.device_allocations / steps.count, "count"),
            Evidence("memory reserved on the accelerator", device.reserved_bytes, "B"),
            Evidence("reserved memory held by tensors", device.held_bytes, "B"),
        ]
        if device.simulated:
            evidence.append(Evidence("accelerator readings", "simulated"))
        return self.finding(
            title="The accelerator's allocator returns memory to the driver and takes it back in the loop",
            evidence=tuple(evidence),
            fix=_DEVICE,
            detected_by=0.6,
        )

    def _on_host(self, steps: Steps, thrash: Thrash) -> Outcome:
        if not steps.judgeable:
            return NotMeasured("Too few steps to judge memory traffic.")
        if thrash.fresh_bytes < self.min_fresh_bytes:
            return Fine(thrash.fresh_bytes, self.min_fresh_bytes, "B", "newly mapped memory per step")
        lost = fault_seconds(steps, thrash)
        share = lost / max(thrash.loop_seconds, 1e-9)
        if share < self.lost_threshold_share:
            return Fine(share, self.lost_threshold_share, "share", "step time in page faults (kernel time)")
        if thrash.own_share < self.own_threshold_share or thrash.site is None:
            return Fine(thrash.own_share, self.own_threshold_share, "share", "running time in your own code")
        return self._finding(steps, thrash, lost, share)

    def _finding(self, steps: Steps, thrash: Thrash, lost: float, share: float) -> Finding:
        evidence = (
            Evidence("page faults per step", thrash.faults_per_step, "count"),
            Evidence("newly mapped memory per step", thrash.fresh_bytes, "B"),
            Evidence("kernel time in the steps", thrash.system_seconds, "s"),
            Evidence("share of the loop lost", thrash.lost_share, "share"),
            Evidence("running time in your own code", thrash.own_share, "share"),
        )
        return self.finding(
            location=location(thrash.site),
            evidence=evidence,
            gain=prediction.gain(
                lost,
                steps.run_seconds,
                f"kernel time of {thrash.faults_per_step:.0f} page faults per step, "
                f"{lost / steps.count * 1e3:.1f} ms of {thrash.loop_seconds / steps.count * 1e3:.1f} ms",
                step_share=share,
                relative_error=0.22,  # user time spent on cold pages comes on top, what I/O costs goes off
            ),
            fix=REUSE,
            after="the rest of the step becomes the bottleneck",
            removes=where(steps, thrash, lost),
        )
