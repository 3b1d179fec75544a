"""Steps that spend their time getting and giving back memory."""

from __future__ import annotations

from ... import prediction
from ...findings import Evidence, Finding, Fine, Fix, Location
from ...timeline.steps import Steps
from ...timeline.tables import STEP_PHASES
from ...timeline.thrash import Thrash
from .. import Detector

_VARIABLES = "MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456"
_ENVIRONMENT = Fix("Start the program so that the allocator keeps freed memory", f"{_VARIABLES} python ...", effort=1)
_REUSE = Fix(
    "Allocate large temporaries once and reuse them",
    "# in place of c = a * b, for example:\n"
    "buffer = torch.empty_like(a)            # once, before the loop\n"
    "torch.mul(a, b, out=buffer)             # in the loop: no fresh memory\n"
    "# without touching the code: keep freed memory in the process\n"
    f"# {_VARIABLES}",
    effort=2,
    risk=0.1,
)
_WAITS = ("import", "loader_start", "data_wait")


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
    lost_threshold_share = 0.05  # of the loop
    min_faults = 2000.0  # per step: 8 MiB of fresh pages; interpreters and small tensors stay far below
    swap_threshold_bytes_per_second = float(1 << 20)
    own_threshold_share = 0.3  # of the running time: below it the model allocates, and only the environment can help
    max_fault_seconds = 4e-6  # a fault costs at most this (bare metal 0.1 to 0.5 us, virtual machines more)

    def detect(self, steps: Steps, thrash: Thrash) -> Finding | Fine:
        if not steps.judgeable:
            return Fine(steps.all_count, None, "count", "too few steps to judge memory traffic")
        if thrash.faults < self.min_faults:
            return Fine(thrash.faults, self.min_faults, "count", "page faults per step")
        lost = min(thrash.lost_seconds, thrash.faults * steps.count * self.max_fault_seconds)
        share = lost / max(thrash.loop_seconds, 1e-9)
        if share < self.lost_threshold_share:
            return Fine(share, self.lost_threshold_share, "share", "kernel time of page faults in the steps")
        evidence = [
            Evidence("page faults per step", thrash.faults, "count"),
            Evidence("fresh memory per step", thrash.faults * 4096, "B"),
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
            removes=_where(steps, thrash, lost),
            hint=hint,
        )


def _where(steps: Steps, thrash: Thrash, lost: float) -> dict[str, float]:
    """Seconds per phase: kernel time is taken to lie where the main thread runs, else where the step's time lies."""
    shares = thrash.phases or {name: steps.share(name) for name in STEP_PHASES if name not in _WAITS}
    whole = sum(shares.values())
    return {name: lost * share / whole for name, share in shares.items() if share > 0 and whole > 0}
