"""The run fills nearly all the memory that it may use."""

from __future__ import annotations

from ...artifacts.memory.headroom import MemoryHeadroom
from ...diagnosis.findings import Evidence, Fine, Fix, Outcome
from .. import Detector


class MemoryNearLimit(Detector):
    """At its peak the run uses nearly all memory of the machine, its cgroup or its accelerator.

    Why it matters
        One longer batch, one more worker or another program, and the kernel kills the run or CUDA refuses the next
        tensor, with nothing saved since the last checkpoint.
    How it is measured
        The peak memory of all processes of the run, with memory shared by workers counted once, against the cgroup's
        limit or the machine's memory. Page cache counts as free. On an accelerator it is what tensors hold: the
        reserve of torch's allocator counts as free.
    How to fix it
        On the host: fewer workers, fewer prefetched batches, memory-mapped data, a smaller batch. On an accelerator:
        bfloat16, activation checkpointing (about a third more time), sharding, a smaller batch.
    When to ignore it
        When the run always peaks at the same level, and nothing else runs there.
    """

    id = "memory-near-limit"
    title = "The run uses nearly all available memory"
    stage = "machine"
    judges_work = False
    share_threshold = 0.90  # of the memory (Kineto, gpuprof)

    def detect(self, headroom: MemoryHeadroom) -> Outcome:
        device = headroom.device_share or 0.0
        on_device = device > headroom.used_share
        share = max(device, headroom.used_share)
        if share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "memory used at the peak")
        everything = headroom.device_bytes / max(device, 1e-9) if on_device else headroom.all_bytes
        place = "the accelerator" if on_device else "the cgroup" if headroom.limited else "the machine"
        evidence = [
            Evidence("memory used at the peak", share * everything, "B"),
            Evidence(f"total memory of {place}", everything, "B"),
            Evidence("free memory at the peak", max(0.0, 1.0 - share), "share"),
        ]
        if headroom.simulated:
            evidence.append(Evidence("host readings", "simulated"))
        return self.finding(
            evidence=tuple(evidence),
            fix=_DEVICE if on_device else _HOST,
            headroom_share=max(0.0, 1.0 - share),
        )


_HOST = Fix(
    "Use less memory: fewer workers, fewer prefetched batches, memory-mapped files",
    "# each worker holds its batches and its own objects\n"
    "DataLoader(..., num_workers=1, prefetch_factor=2)\n"
    "data = np.load(path, mmap_mode='r')  # in the page cache, which can shrink",
    effort=2,
)
_DEVICE = Fix(
    "Use less device memory: bfloat16, activation checkpointing, a smaller batch",
    "with torch.autocast('cuda', dtype=torch.bfloat16): ...\n"
    "x = torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False)   # about a third more time",
    effort=2,
    risk=0.2,
)
